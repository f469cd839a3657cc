//go:build unix

package pgtest

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// oldest is the first PostgreSQL release that Syncro runs on.
const oldest = 15

//go:embed watchdog.sh
var watchdog string

// start brings up a private server. It is not a child of this process but of
// watchdog.sh, which outlives the process just long enough to clear up.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	// Not os.TempDir: a socket's path may have some 100 bytes, and the role that
	// the server runs as must be able to enter.
	dir, err := os.MkdirTemp("/tmp", "syncro-pgtest-")
	if err != nil {
		return nil, err
	}
	s, err := startIn(dir, bin)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func startIn(dir, bin string) (*server, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdog, "pgtest-watchdog", dir, bin)
	cmd.Dir = dir
	// A developer's PGDATA, PGPORT, … are not for this server.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	// A session of its own: a signal to the group of the tests must not take the
	// watchdog along before it has cleared up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		if err := dropRoot(cmd, dir); err != nil {
			return nil, err
		}
	}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	reader := bufio.NewReader(output)
	first, err := reader.ReadString('\n')
	if first != "ready\n" {
		rest, _ := io.ReadAll(reader)
		return nil, errors.Join(fmt.Errorf("start PostgreSQL from %s: %s%s", bin, first, rest), err, cmd.Wait())
	}
	return &server{url: socketURL(dir), keep: lifeline}, nil
}

// dropRoot makes cmd run as an ordinary user, since PostgreSQL refuses to run
// as root, and gives dir to that user.
func dropRoot(cmd *exec.Cmd, dir string) error {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres or nobody: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(dir, int(uid), int(gid))
}

func socketURL(dir string) string {
	query := url.Values{"host": {dir}, "port": {"5432"}, "user": {"postgres"}}
	return (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: query.Encode()}).String()
}

// binaries finds the directory of initdb and pg_ctl: the newest release where
// Debian puts them, or else the one on the PATH.
func binaries() (string, error) {
	var best string
	var newest int
	candidates, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if onPath, err := exec.LookPath("initdb"); err == nil {
		// A link farm like /usr/local/bin holds initdb but not always its siblings.
		if resolved, err := filepath.EvalSymlinks(onPath); err == nil {
			candidates = append(candidates, resolved)
		}
	}
	for _, initdb := range candidates {
		if release := releaseOf(initdb); release > newest {
			best, newest = filepath.Dir(initdb), release
		}
	}
	if newest < oldest {
		return "", fmt.Errorf("no PostgreSQL server (%d or newer) is installed: apt-get install postgresql, "+
			"or name another server in %s=postgres://…", oldest, Variable)
	}
	return best, nil
}

var release = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// releaseOf is 0 for a program that cannot say.
func releaseOf(initdb string) int {
	out, err := exec.Command(initdb, "--version").Output()
	if err != nil {
		return 0
	}
	match := release.FindStringSubmatch(strings.TrimSpace(string(out)))
	if match == nil {
		return 0
	}
	number, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return number
}
