// Package searchtext folds text so that search and sorting ignore case, accents
// and the other spellings of a letter (architecture.md, "Search text").
//
// Folding goes character by character: what one becomes does not depend on its
// neighbours. So a part of a text folds to a part of the folded text, which is
// what makes a search for substrings right, and folding twice is folding once.
package searchtext

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// separator stands between the fields of a [Join]; no folded text contains it.
const separator = '\x1f'

// Fold is the text in lower case, without accents and other marks, compatibility
// forms as their plain letters (ﬁ as fi, full-width digits as digits) and letters
// that no decomposition reaches as what people type instead (ø as o, ß as ss).
// Control characters become spaces, invalid bytes U+FFFD.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' || c == 0x7f || 'A' <= c && c <= 'Z' {
			var buffer [128]byte // a name or an address fits, so only the result is allocated
			return string(appendFold(append(buffer[:0], s[:i]...), s[i:]))
		}
	}
	return s
}

// Join folds the fields and puts them one after the other, so separated that
// nothing a folded query can hold matches across two fields.
func Join(fields ...string) string {
	size := len(fields)
	for _, field := range fields {
		size += len(field)
	}
	dst := make([]byte, 0, size)
	for i, field := range fields {
		if i > 0 {
			dst = append(dst, separator)
		}
		dst = appendFold(dst, field)
	}
	return string(dst)
}

func appendFold(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = append(dst, foldASCII(c))
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError {
			dst = utf8.AppendRune(dst, r)
		} else if plain := norm.NFKD.PropertiesString(s[i:]).Decomposition(); plain != nil {
			for _, part := range string(plain) {
				dst = appendRune(dst, part)
			}
		} else {
			dst = appendRune(dst, r)
		}
		i += size
	}
	return dst
}

func foldASCII(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c < ' ', c == 0x7f:
		return ' '
	}
	return c
}

// appendRune appends a character that has been decomposed already.
func appendRune(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(dst, foldASCII(byte(r)))
	}
	switch r = unicode.ToLower(r); {
	case unicode.Is(unicode.Mn, r):
		return dst
	case unicode.IsControl(r), r == '\u2028', r == '\u2029': // line and paragraph separators
		return append(dst, ' ')
	}
	if typed, ok := typed[r]; ok {
		return append(dst, typed...)
	}
	return utf8.AppendRune(dst, r)
}

// typed is what people without the letter on their keyboard write for it. The
// final sigma is there because only its place in the word tells it from σ.
var typed = map[rune]string{
	'ø': "o", 'ł': "l", 'ß': "ss", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ħ': "h", 'ŧ': "t", 'ς': "σ",
}
