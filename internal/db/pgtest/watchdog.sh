# Runs one private PostgreSQL server in the directory $1 with the binaries in $2
# for as long as somebody holds the other end of standard input: the kernel
# closes it when the test process ends, however it ends. Then the server and
# the directory go.
#
# Standard output says "ready", or else what went wrong.

dir=$1 bin=$2

# A Ctrl-C or a closed terminal is for the tests; the pipe tells us after them.
# PIPE: they may be gone before "ready" is said, and there is clearing up to do.
trap '' HUP INT TERM PIPE

trap '
	"$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1
	rm -rf "$dir"
' EXIT

start() {
	"$bin/initdb" -D "$dir/data" --username=postgres --auth=trust --no-sync \
		--encoding=UTF8 --locale=C.UTF-8 &&
		"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -o "$options" start
}

# Nothing here has to survive a power cut, so nothing waits for the disk.
options="-c listen_addresses='' -c unix_socket_directories='$dir' -c port=5432
	-c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"

if start >"$dir/start" 2>&1; then
	echo ready
	read -r _
else
	cat "$dir/start" "$dir/log" 2>/dev/null
fi
