// Package phones decides in which form a phone number is stored, by which key
// two spellings of one number are matched, and which digits a search looks in.
//
// The words: a number's stored form is E.164 ("+5511999887766") whenever the
// text can be read as a possible number, with Brazil as the default region, and
// else the text as it was sent (companion-api.md section 2, "phone"). Its twin
// is the same Brazilian mobile with or without the ninth digit; the stored form
// keeps the ninth digit as sent, the key is the same for both
// (companion-api.md section 2, "Ninth digit").
//
// Storing is idempotent, and a key may be taken before or after it:
// Key(Normalize(x)) == Key(x).
package phones

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Most digits that are worth asking the library about: a country code and the
// longest national number known, with a trunk or carrier prefix.
const maxDigits = 24

// Normalize is the form in which a phone is stored: E.164 when the text holds
// only digits and phone punctuation and is a possible number, else the text,
// trimmed. The ninth digit stays as it was sent.
func Normalize(text string) string { return NormalizeIn(text, brazil) }

// brazil is the region of numbers without a country code, where no other is set.
const brazil = "BR"

// NormalizeIn is [Normalize] for an account whose phones without a country code are
// of another region (ISO 3166; "" is Brazil). A number in E.164 is the same in all.
func NormalizeIn(text, region string) string {
	if region == "" {
		region = brazil
	}
	text = strings.TrimSpace(text)
	var buffer [maxDigits + 1]byte
	dialled, ok := dial(buffer[:0], text)
	if !ok {
		return text
	}
	if country, national, ok := brazilian(dialled); ok && (region == brazil || dialled[0] == '+') {
		if len(text) == len(country)+len(national) && strings.HasPrefix(text, country) {
			return text // it is stored as it came
		}
		return country + string(national)
	}
	number := string(dialled)
	if !e164(&number, region) {
		return text
	}
	// What is left after a trunk prefix may begin with another one; the stored
	// form is the one that reading again leaves alone.
	for again := number; e164(&again, region) && len(again) < len(number); {
		number = again
	}
	return number
}

// dial appends what one would dial: the digits of the text, after a plus sign if
// it begins with one. It is false for a text with anything but digits and phone
// punctuation, with a plus elsewhere, or with more digits than a number has.
func dial(dst []byte, text string) ([]byte, bool) {
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9', r == '+' && len(dst) == 0:
			if len(dst) == maxDigits {
				return nil, false
			}
			dst = append(dst, byte(r))
		case !punctuation(r):
			return nil, false
		}
	}
	return dst, len(dst) > 0
}

// punctuation tells whether a character may stand between the digits of a
// phone. Besides what people type there are the spaces, dashes and invisible
// marks that address books put into what is copied from them.
func punctuation(r rune) bool {
	switch r {
	case ' ', '-', '(', ')', '.', '/', '\t':
		return true
	case '\u2212', '\u2060', '\ufeff': // minus sign, word joiner, byte order mark
		return true
	}
	return r >= '\u200b' && r <= '\u200f' || // zero width, direction marks
		r >= '\u2010' && r <= '\u2015' || // dashes
		r >= '\u202a' && r <= '\u202e' || // direction
		r > unicode.MaxASCII && unicode.Is(unicode.Zs, r)
}

// brazilian reads the usual spellings of a Brazilian number: two digits of area
// code and eight or nine more, after "+55", "55", "0" or nothing. The library
// agrees on all of them (a test compares), but takes a hundred times as long.
//
// "0055" is read here too: the library takes its 55 for the carrier that is to
// connect an international call, and makes a North American number of it.
func brazilian(dialled []byte) (country string, national []byte, ok bool) {
	const code = "+55"
	rest := dialled
	switch {
	case hasPrefix(rest, "+55"):
		rest = rest[3:]
	case hasPrefix(rest, "0055"):
		rest = rest[4:]
	case hasPrefix(rest, "55"):
		// Ten or eleven digits are a number of area 55, or a short one with its
		// country code: the library knows which.
		if rest = rest[2:]; len(rest) < 10 {
			return "", nil, false
		}
	case hasPrefix(rest, "0"):
		rest = rest[1:]
	}
	if len(rest) != 10 && len(rest) != 11 || !area(rest) {
		return "", nil, false
	}
	return code, rest, true
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// area tells whether a national number begins with two digits that can be an
// area code: 11 to 99 without a zero.
func area[T string | []byte](national T) bool {
	return len(national) > 2 && national[0] >= '1' && national[0] <= '9' && national[1] >= '1' && national[1] <= '9'
}

// e164 replaces what was dialled by its E.164 form and tells whether it is a
// possible number.
func e164(dialled *string, region string) bool {
	number, err := phonenumbers.Parse(*dialled, region)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return false
	}
	*dialled = phonenumbers.Format(number, phonenumbers.E164)
	return true
}

// IsRegion tells whether phones can be of a country, given by its code in ISO 3166.
func IsRegion(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// Key is what two spellings of one number have in common: the digits of the
// stored form, a Brazilian mobile always with its ninth digit. It is empty when
// the text has no digit; such phones match nothing.
func Key(text string) string {
	digits := Digits(Normalize(text))
	if other, ok := twin(digits); ok && len(other) > len(digits) {
		return other
	}
	return digits
}

// OtherNinth is the same number with the ninth digit added or taken away, false
// when the number is not a Brazilian mobile in E.164. Landlines have no twin.
func OtherNinth(e164 string) (string, bool) {
	digits, ok := strings.CutPrefix(e164, "+")
	if !ok {
		return "", false
	}
	other, ok := twin(digits)
	if !ok {
		return "", false
	}
	return "+" + other, true
}

// twin is the one place that knows the ninth digit. Of a number's digits with
// country code it makes: 55, area code, 9, eight digits beginning 6 to 9 ↔ the
// same without that 9.
func twin(digits string) (string, bool) {
	national, ok := strings.CutPrefix(digits, "55")
	if !ok || !area(national) || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	switch {
	case len(national) == 11 && national[2] == '9' && national[3] >= '6':
		return digits[:4] + digits[5:], true
	case len(national) == 10 && national[2] >= '6':
		return digits[:4] + "9" + digits[4:], true
	}
	return "", false
}

// Digits is the text without everything that is not a digit 0 to 9.
func Digits(text string) string {
	other := func(r rune) bool { return r < '0' || r > '9' }
	if strings.IndexFunc(text, other) < 0 {
		return text
	}
	if rest, ok := strings.CutPrefix(text, "+"); ok && strings.IndexFunc(rest, other) < 0 {
		return rest
	}
	digits := make([]byte, 0, len(text))
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			digits = append(digits, text[i])
		}
	}
	return string(digits)
}

// SearchDigits is what a search for digits looks in: those of the stored phone
// and, after a space, those of its twin.
func SearchDigits(stored string) string {
	digits := Digits(stored)
	if other, ok := twin(digits); ok {
		return digits + " " + other
	}
	return digits
}

// Query tells whether a search text can mean a phone, which takes four digits
// and otherwise only phone punctuation (companion-api.md section 2, "q"), and
// returns its digits.
func Query(q string) (digits string, ok bool) {
	foreign := func(r rune) bool { return (r < '0' || r > '9') && r != '+' && !punctuation(r) }
	if strings.IndexFunc(strings.TrimSpace(q), foreign) >= 0 {
		return "", false
	}
	if digits = Digits(q); len(digits) < 4 {
		return "", false
	}
	return digits, true
}
