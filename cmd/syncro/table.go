package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table prints rows under a heading, whose words are the columns.
func table[T any](out io.Writer, heading string, rows []T, cells func(T) []string) error {
	lines := []string{strings.Join(strings.Fields(heading), "\t")}
	for _, row := range rows {
		texts := cells(row)
		for i, text := range texts {
			texts[i] = oneLine(text) // a name may hold a tab
		}
		lines = append(lines, strings.Join(texts, "\t"))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return w.Flush()
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
