package duplicates

import (
	"slices"
	"strings"
	"unicode"

	"syncro/internal/searchtext"
)

// legalForms and particles say nothing about which company or person is meant.
var (
	legalForms = []string{"ltda", "me", "mei", "sa", "s", "a", "eireli", "epp", "cia", "inc", "llc"}
	particles  = []string{"de", "da", "do", "das", "dos", "e"}
)

// words are the folded words of a text but for those that are left out.
func words(text string, without []string) []string {
	all := strings.FieldsFunc(searchtext.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.DeleteFunc(all, func(w string) bool { return slices.Contains(without, w) })
}

// companyKey is the form in which companies are compared; "" when it says nothing.
func companyKey(company string) string { return strings.Join(words(company, legalForms), " ") }

// nameKey is the form in which names are compared: their words, whatever the order.
func nameKey(name string) string {
	all := words(name, particles)
	slices.Sort(all)
	return strings.Join(all, " ")
}

// reversed is a key read backwards.
func reversed(key string) string {
	runes := []rune(key)
	slices.Reverse(runes)
	return string(runes)
}

// alike is how similar two names, and two words of them, have to be, in hundredths.
const alike = 70

// inPart is what is left of the similarity where one name has more words.
const inPart = 90

// similarity is how alike two keys of names are, in hundredths: each word of the
// shorter one has to be in the other one, a slip apart at most; else it is 0.
func similarity(a, b string) int64 {
	short, long := strings.Fields(a), strings.Fields(b)
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) == 0 {
		return 0
	}
	used := make([]bool, len(long))
	var sum, letters int
	for _, word := range short {
		best, at := 0, -1
		for i, other := range long {
			if used[i] {
				continue
			}
			if s := wordSimilarity([]rune(word), []rune(other)); s > best {
				best, at = s, i
			}
		}
		if best < alike {
			return 0
		}
		used[at] = true
		sum, letters = sum+best*len(word), letters+len(word)
	}
	whole := sum / letters
	if len(short) < len(long) {
		whole = whole * inPart / 100
	}
	return int64(whole)
}

// wordSimilarity is which part of the longer word is the same in the other one, in
// hundredths. A letter that is changed, left out, put in or swapped with the next
// one counts as one that differs.
func wordSimilarity(a, b []rune) int {
	longer := max(len(a), len(b))
	if slices.Equal(a, b) {
		return 100
	}
	if min(len(a), len(b))*100 < longer*alike {
		return 0
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return 100 - 100*last[len(b)]/longer
}
