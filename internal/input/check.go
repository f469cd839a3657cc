package input

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"syncro/internal/faults"
)

func (r *rule) checkText(s string, maxLength int) complaint {
	switch {
	case maxLength >= 0 && len(s) > maxLength && utf8.RuneCountInString(s) > maxLength:
		return must("not be greater than " + strconv.Itoa(maxLength) + " characters")
	case r.enum != nil && !slices.Contains(r.enum, s):
		return notSelected
	case r.format == "email" && !isEmail(s):
		return must("be a valid email address")
	case r.format == "uri" && !isWebAddress(s):
		return must("be a valid URL")
	}
	return ""
}

// checkNumber holds a number against its limits. The number as it was sent may
// lie a little beside n: below it (-1), above it (1) or exactly there (0).
func (r *rule) checkNumber(n int64, beside int) complaint {
	switch low, high := r.minimum, r.maximum; {
	case low.set && (n < low.limit || (n == low.limit && beside < 0)):
		return must("be at least " + low.text)
	case high.set && (n > high.limit || (n == high.limit && beside > 0)):
		return must("not be greater than " + high.text)
	}
	return ""
}

// checkCount holds the length of an array against its limits; an empty array
// counts as missing where something is required, as it does in Laravel.
func (r *rule) checkCount(n int, path string, problems *faults.Bag) bool {
	switch {
	case n == 0 && (r.required || r.neverNull):
		isRequired.report(problems, path)
	case n < r.minItems:
		must("have at least "+strconv.Itoa(r.minItems)+" items").report(problems, path)
	case r.maxItems >= 0 && n > r.maxItems:
		must("not have more than "+strconv.Itoa(r.maxItems)+" items").report(problems, path)
	default:
		return true
	}
	return false
}

// isEmail tells whether s is a bare address, local@domain, without quotes,
// comments or a display name. As in Laravel, the domain needs no dot.
func isEmail(s string) bool {
	const maxAddress, maxLabel = 254, 63 // RFC 5321 section 4.5.3.1, RFC 1035 section 2.3.4
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > maxAddress {
		return false
	}
	for atom := range strings.SplitSeq(s[:at], ".") {
		if atom == "" || strings.IndexFunc(atom, notInAtom) >= 0 {
			return false
		}
	}
	for label := range strings.SplitSeq(s[at+1:], ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || strings.IndexFunc(label, notInLabel) >= 0 {
			return false
		}
	}
	return true
}

// notInAtom follows RFC 5322 section 3.2.3 and, beyond ASCII, RFC 6531.
func notInAtom(c rune) bool {
	if c < utf8.RuneSelf {
		return notInLabel(c) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~", c)
	}
	return !unicode.IsGraphic(c) || unicode.IsSpace(c)
}

func notInLabel(c rune) bool {
	return c != '-' && !unicode.In(c, unicode.L, unicode.M, unicode.Nd)
}

func isWebAddress(s string) bool {
	if strings.IndexFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) >= 0 {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
