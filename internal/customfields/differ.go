package customfields

import (
	"cmp"
	"slices"
)

// Differing are the ids of the fields whose values differ between two leads'
// stored ones, in ascending order.
func Differing(stored, other string) (ids []int64) {
	values, others := members(stored), members(other)
	for len(values) > 0 || len(others) > 0 {
		switch {
		case len(others) == 0 || (len(values) > 0 && values[0].id < others[0].id):
			ids, values = append(ids, values[0].id), values[1:]
		case len(values) == 0 || others[0].id < values[0].id:
			ids, others = append(ids, others[0].id), others[1:]
		default:
			if values[0].value != others[0].value {
				ids = append(ids, values[0].id)
			}
			values, others = values[1:], others[1:]
		}
	}
	return ids
}

// Taking gives the stored values with those of some fields as another lead has
// them, which may be none.
func Taking(stored, other string, ids []int64) string {
	taken := slices.DeleteFunc(members(stored), func(m member) bool { return slices.Contains(ids, m.id) })
	for _, m := range members(other) {
		if slices.Contains(ids, m.id) {
			taken = append(taken, m)
		}
	}
	slices.SortFunc(taken, func(a, b member) int { return cmp.Compare(a.id, b.id) })
	return write(taken)
}
