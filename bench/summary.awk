# Sums up what bench/run has measured. A line of input is a row of the load
# generator's table, separated by tabs: engine, size, workload, target, ratio,
# p50, p99, rows, total, errors, processor time per request.

BEGIN {
	# The least ratios to the yardstick: the first mark, and the goal.
	split("5 4 1 1 0.6 0.6 0.4", first_sqlite, " ")
	split("4 4 1 1 0.7 0.5 0.5", first_postgres, " ")
	split("15 20 4 4 1 2 1", goal_sqlite, " ")
	split("10 15 6 4 1 1 1", goal_postgres, " ")
}

{ run = $1 FS $2 FS $3 }

$4 != "ours" { rows[run] = $8; total[run] = $9; work_of[run] = $11 }

$4 == "ours" {
	n++
	at[n] = run
	engine[n] = $1; size[n] = $2; work[n] = $3; ratio[n] = $5; p50[n] = $6; p99[n] = $7; errors[n] = $10
	less[n] = ($11 > 0) ? work_of[run] / $11 : 0
	mine[run] = $6
	if (run in rows && (rows[run] != $8 || total[run] != $9)) differs[n] = " other rows or total than the yardstick"
	if (smallest == "" || $2 + 0 < smallest + 0) smallest = $2
}

END {
	print "\n## Summary\n"
	print "Ratios are of requests per second and, which a busy machine disturbs less, of processor time per request.\n"
	print "| database | leads | workload | ratio | by time | first mark | goal | p50 ms | p99/p50 | p50 growth | |"
	print "|---|---|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		w = substr(work[i], 2) + 0
		first = engine[i] == "sqlite" ? first_sqlite[w] : first_postgres[w]
		goal = engine[i] == "sqlite" ? goal_sqlite[w] : goal_postgres[w]
		verdict = ratio[i] + 0 >= goal ? "goal" : ratio[i] + 0 >= first ? "reached" : "BELOW"
		before = mine[engine[i] FS smallest FS work[i]]
		growth = size[i] != smallest && before > 0 ? sprintf("%.2f", p50[i] / before) : ""
		if (errors[i] > 0) differs[i] = differs[i] " " errors[i] " errors"
		tail = (p50[i] > 0) ? p99[i] / p50[i] : 0
		printf "| %s | %s | %s | %.2f | %.2f | %s | %s | %s | %.1f | %s | %s%s |\n", engine[i], size[i], work[i], ratio[i], less[i], first, goal, p50[i], tail, growth, verdict, differs[i]
	}
}
