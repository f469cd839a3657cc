package setup

import (
	"fmt"
	"strings"
	"testing"
)

// arrangement applies a file's names to a list, both written as letters, and gives
// the list's new order with its sort orders.
func arrangement(list, file string, sortOrders []int) (result string, moved bool) {
	letters := func(s string) []string { return strings.Split(s, "")[:len(s)] }
	same := func(s string) string { return s }
	matched := match(letters(file), same, letters(list), same)
	slots, moved := arrange(sortOrders, matched)
	for _, slot := range slots {
		if slot.old >= 0 {
			result += fmt.Sprintf("%c%d", list[slot.old], slot.sortOrder)
		} else {
			result += fmt.Sprintf("%c%d", file[slot.entry], slot.sortOrder)
		}
	}
	return result, moved
}

func TestTheFilesOrderIsTakenAndTheRestStaysBehindItsNeighbour(t *testing.T) {
	for _, c := range []struct {
		list, file string
		sortOrders []int
		want       string
		moved      bool
	}{
		{"", "ab", nil, "a1b2", false},
		{"abc", "", []int{4, 5, 9}, "a4b5c9", false},
		{"abc", "abc", []int{4, 5, 9}, "a4b5c9", false},
		{"abc", "ac", []int{4, 5, 9}, "a4b5c9", false},
		{"abc", "x", []int{4, 5, 9}, "a4b5c9x10", false},
		{"abc", "cx", []int{4, 5, 9}, "a4b5c9x10", false},
		{"abc", "axc", []int{4, 5, 9}, "a1b2x3c4", false},
		{"abc", "xa", []int{4, 5, 9}, "x1a2b3c4", false},
		{"abc", "ca", []int{4, 5, 9}, "c1a2b3", true},
		{"abc", "B", []int{0, 0, 0}, "a0b0c0", false},
		{"bB", "Bb", []int{1, 2}, "B1b2", true},
	} {
		got, moved := arrangement(c.list, c.file, c.sortOrders)
		if got != c.want || moved != c.moved {
			t.Errorf("%q with the file's %q is %s (moved: %v), want %s (%v)", c.list, c.file, got, moved, c.want, c.moved)
		}
	}
}
