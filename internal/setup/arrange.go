package setup

// slot is a place in a list after a file has been applied to it: an item that was
// there, one of the file, or both at once; -1 for none.
type slot struct {
	old, entry int
	sortOrder  int
}

// arrange puts the file's items into a list. matched tells for each entry of the
// file which item of the list it is, or -1 for a new one. The file's items come in
// the file's order; each other item stays behind the nearest of them that it stood
// behind. moved tells whether items that were there change places.
//
// sortOrders are those of the list's items. They are kept where the order can be
// had so, and counted anew from 1 otherwise.
func arrange(sortOrders []int, matched []int) (slots []slot, moved bool) {
	listed := make(map[int]bool, len(matched))
	for _, old := range matched {
		listed[old] = true
	}
	// staying appends the items that are not in the file from an item on.
	staying := func(from int) {
		for old := from; old < len(sortOrders) && !listed[old]; old++ {
			slots = append(slots, slot{old: old, entry: -1})
		}
	}
	staying(0)
	for entry, old := range matched {
		slots = append(slots, slot{old: old, entry: entry})
		if old >= 0 {
			staying(old + 1)
		}
	}
	last, inserted := -1, false
	for i, s := range slots {
		switch {
		case s.old < 0:
			inserted = inserted || i < len(sortOrders)
		case s.old < last:
			moved = true
		default:
			last = s.old
		}
	}
	for i := range slots {
		switch {
		case moved || inserted:
			slots[i].sortOrder = i + 1
		case slots[i].old >= 0:
			slots[i].sortOrder = sortOrders[slots[i].old]
		case i > 0:
			slots[i].sortOrder = slots[i-1].sortOrder + 1
		default:
			slots[i].sortOrder = 1
		}
	}
	return slots, moved
}

// match finds for each entry of a file the item of the account it is: by its name,
// or else by its name without regard to case.
func match[E, T any](entries []E, entryName func(E) string, items []T, itemName func(T) string) []int {
	exact, folded := map[string]int{}, map[string]int{}
	for i, item := range items {
		name := itemName(item)
		exact[name] = i
		if _, taken := folded[key(name)]; !taken {
			folded[key(name)] = i
		}
	}
	matched := make([]int, len(entries))
	for i, entry := range entries {
		matched[i] = -1
		if at, ok := exact[entryName(entry)]; ok {
			matched[i] = at
		} else if at, ok := folded[key(entryName(entry))]; ok {
			matched[i] = at
		}
	}
	return matched
}
