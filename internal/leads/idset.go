package leads

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
)

// On SQLite, each id that a statement steps over takes its turn in SQLite's
// virtual machine, which costs more than everything else of a list. So what a tag
// or a term selects is kept in packed sets and united, counted and cut into pages
// here.

// setBlock is how many ids a block of a set covers. A packed block with its key
// stays below 1,002 bytes, above which SQLite gives a row a page of its own.
const setBlock = 4096

// idBlock has a bit for each id of a block.
type idBlock [setBlock / 64]uint64

// idSet is a set of ids: blocks by id / setBlock.
type idSet map[int64]*idBlock

// few is how many ids a packed block has at most as a list.
const few = setBlock/16 - 1

// packed is the block as it is stored: its ids, less the block's first, ascending,
// in two bytes each; or, where they are more than few, all its bits. The lowest
// byte and bit come first.
func (b *idBlock) packed() []byte {
	var list []byte
	if b.count() > few {
		for _, word := range b {
			list = binary.LittleEndian.AppendUint64(list, word)
		}
		return list
	}
	for i, word := range b {
		for ; word != 0; word &= word - 1 {
			list = binary.LittleEndian.AppendUint16(list, uint16(64*i+bits.TrailingZeros64(word)))
		}
	}
	return list
}

// unite adds the ids of a packed block.
func (b *idBlock) unite(packed []byte) {
	if len(packed) == setBlock/8 {
		for i := range b {
			b[i] |= binary.LittleEndian.Uint64(packed[8*i:])
		}
		return
	}
	for ; len(packed) >= 2; packed = packed[2:] {
		b.add(int64(binary.LittleEndian.Uint16(packed)))
	}
}

func (b *idBlock) add(id int64)    { b[id%setBlock/64] |= 1 << (id % 64) }
func (b *idBlock) remove(id int64) { b[id%setBlock/64] &^= 1 << (id % 64) }

func (b *idBlock) count() (n int64) {
	for _, word := range b {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// block gives a block of the set to change it.
func (s idSet) block(number int64) *idBlock {
	b := s[number]
	if b == nil {
		b = new(idBlock)
		s[number] = b
	}
	return b
}

func (s idSet) add(id int64) { s.block(id / setBlock).add(id) }

func (s idSet) remove(id int64) {
	if b := s[id/setBlock]; b != nil {
		b.remove(id)
	}
}

// intersect leaves the ids that the other set has, too.
func (s idSet) intersect(other idSet) {
	for number, b := range s {
		with := other[number]
		if with == nil {
			delete(s, number)
			continue
		}
		for i := range b {
			b[i] &= with[i]
		}
	}
}

func (s idSet) count() (n int64) {
	for _, b := range s {
		n += b.count()
	}
	return n
}

// page gives ids of the set, the highest first: so many, after those that are
// skipped.
func (s idSet) page(skip, size int64) []int64 {
	ids := make([]int64, 0, size)
	numbers := slices.Sorted(maps.Keys(s))
	for _, number := range slices.Backward(numbers) {
		b := s[number]
		if n := b.count(); n <= skip {
			skip -= n
			continue
		}
		for i := len(b) - 1; i >= 0; i-- {
			for word := b[i]; word != 0; {
				bit := 63 - bits.LeadingZeros64(word)
				word &^= 1 << bit
				if skip > 0 {
					skip--
					continue
				}
				if ids = append(ids, setBlock*number+int64(64*i+bit)); int64(len(ids)) == size {
					return ids
				}
			}
		}
	}
	return ids
}

// after gives the ids of the set above one, the lowest first: so many at most.
func (s idSet) after(above int64, size int) []int64 {
	var ids []int64
	for _, number := range slices.Sorted(maps.Keys(s)) {
		for i, word := range s[number] {
			for ; word != 0; word &= word - 1 {
				id := setBlock*number + int64(64*i+bits.TrailingZeros64(word))
				if id <= above {
					continue
				}
				if ids = append(ids, id); len(ids) == size {
					return ids
				}
			}
		}
	}
	return ids
}
