package input

import (
	"strconv"
	"strings"
	"unicode"
)

// clean trims what Laravel trims: white space and the invisible marks that come
// along when text is copied.
func clean(s string) string {
	return strings.TrimFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || c == '\ufeff' || c == '\u200b' || c == '\u200e'
	})
}

// maxPlainDigits is how long a whole number is still written without an exponent.
const maxPlainDigits = 40

// asText is a text, or a number as it was sent. Only a whole number that was
// written as a fraction (1.2e1, or 5511999887766.0 as spreadsheets' exports have
// it) loses its point and exponent, so that phones keep their digits.
func (in incoming) asText() (string, bool) {
	if in.shape == number && strings.ContainsAny(in.text, ".eE") {
		if d, ok := parseDecimal(in.text); ok {
			if plain, ok := d.whole(maxPlainDigits); ok {
				return plain, true
			}
		}
	}
	return in.text, in.shape == text || in.shape == number
}

func (in incoming) asInteger() (int64, bool) {
	if in.shape != text && in.shape != number {
		return 0, false
	}
	if n, err := strconv.ParseInt(in.text, 10, 64); err == nil {
		return n, true
	}
	d, ok := parseDecimal(in.text)
	if !ok {
		return 0, false
	}
	plain, ok := d.whole(len("9223372036854775807"))
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(plain, 10, 64)
	return n, err == nil
}

func (in incoming) asBoolean() (value, ok bool) {
	switch in.shape {
	case boolean:
		return in.text == "true", true
	case text, number:
		switch strings.ToLower(in.text) {
		case "1", "true":
			return true, true
		case "0", "false":
			return false, true
		}
		if n, whole := in.asInteger(); whole && (n == 0 || n == 1) {
			return n == 1, true
		}
	}
	return false, false
}

// decimal is a number as it was written, exactly: ±digits × 10^exponent, the
// digits without zeros at either end. It costs no more than its text is long,
// whatever the exponent.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// parseDecimal reads what JSON calls a number and, as form fields have them, a
// leading "+", leading zeros and a missing whole part.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if after, ok := strings.CutPrefix(s, "-"); ok {
		d.negative, s = true, after
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent := s[i+1:]
		sign := 1
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			if exponent[0] == '-' {
				sign = -1
			}
			exponent = exponent[1:]
		}
		if exponent == "" || !onlyDigits(exponent) {
			return decimal{}, false
		}
		const huge = 1_000_000_000 // beyond any length of the digits
		n, err := strconv.Atoi(exponent)
		if err != nil {
			n = huge
		}
		d.exponent, s = sign*min(n, huge), s[:i]
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	if (dotted && fraction == "") || whole+fraction == "" || !onlyDigits(whole) || !onlyDigits(fraction) {
		return decimal{}, false
	}
	all := whole + fraction
	d.digits = strings.TrimRight(all, "0")
	d.exponent += len(all) - len(d.digits) - len(fraction)
	d.digits = strings.TrimLeft(d.digits, "0")
	return d, true
}

// whole writes the number plainly when it is whole and at most limit digits long.
func (d decimal) whole(limit int) (string, bool) {
	switch {
	case d.digits == "":
		return "0", true
	case d.exponent < 0 || d.exponent > limit || len(d.digits)+d.exponent > limit:
		return "", false
	}
	plain := d.digits + strings.Repeat("0", d.exponent)
	if d.negative {
		plain = "-" + plain
	}
	return plain, true
}

// besideItsCents tells where the number lies, seen from itself rounded to cents
// half away from zero: below (-1), above (1) or there (0).
func (d decimal) besideItsCents() int {
	if d.digits == "" || d.exponent >= -2 {
		return 0
	}
	outward := 1 // away from zero: the digits that rounding drops are less than half a cent
	if kept := len(d.digits) + d.exponent + 2; kept >= 0 && d.digits[kept] >= '5' {
		outward = -1
	}
	if d.negative {
		return -outward
	}
	return outward
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
