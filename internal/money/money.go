// Package money holds amounts as whole cents, so that no amount is ever a
// binary fraction. On the wire an amount is a JSON number in the account's
// currency (architecture.md, "Money").
package money

import (
	"errors"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Cents is an amount in hundredths of the currency.
type Cents int64

// Max is the largest amount a lead or a sale may have: 9,999,999,999.99
// (companion-api.md section 2).
const Max Cents = 999_999_999_999

// The ways in which [Parse] can refuse a text.
var (
	ErrSyntax = errors.New("not a decimal number")
	ErrRange  = errors.New("number out of range")
)

// Parse reads a decimal number as JSON writes it ("5000", "-1.5", "1e3"), exactly,
// and rounds it to cents half away from zero. Its errors are [ErrSyntax] and,
// beyond what fits in an int64 of cents, [ErrRange].
func Parse(text string) (Cents, error) {
	sign, rest := Cents(1), text
	if after, ok := strings.CutPrefix(rest, "-"); ok {
		sign, rest = -1, after
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		n, err := strconv.Atoi(strings.TrimPrefix(rest[i+1:], "+"))
		if err != nil {
			return 0, ErrSyntax
		}
		mantissa, exponent = rest[:i], max(min(n, 1000), -1000)
	}
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if (whole == "" && fraction == "") || (dotted && fraction == "") || !digits(whole) || !digits(fraction) {
		return 0, ErrSyntax
	}
	cents, err := shift(whole+fraction, len(whole)+exponent+2)
	return sign * cents, err
}

// shift reads all as a number whose decimal point stands after point digits,
// rounded to a whole number half away from zero.
func shift(all string, point int) (Cents, error) {
	if point < 0 {
		return 0, nil
	}
	if point > len(all) {
		all += strings.Repeat("0", point-len(all))
	}
	kept := strings.TrimLeft(all[:point], "0")
	if len(kept) > 17 {
		return 0, ErrRange
	}
	var n int64
	if kept != "" {
		n, _ = strconv.ParseInt(kept, 10, 64) // at most 17 digits, all of them checked
	}
	if point < len(all) && all[point] >= '5' {
		n++
	}
	return Cents(n), nil
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// AppendJSON appends the amount as a JSON number without needless zeros: 5000,
// 1500.5, -0.05.
func (c Cents) AppendJSON(dst []byte) []byte {
	if c < 0 {
		dst, c = append(dst, '-'), -c
	}
	dst = strconv.AppendInt(dst, int64(c)/100, 10)
	switch rest := byte(c % 100); {
	case rest == 0:
		return dst
	case rest%10 == 0:
		return append(dst, '.', '0'+rest/10)
	default:
		return append(dst, '.', '0'+rest/10, '0'+rest%10)
	}
}

// MarshalJSON writes the amount as [Cents.AppendJSON] does.
func (c Cents) MarshalJSON() ([]byte, error) { return c.AppendJSON(nil), nil }

// Schema describes an amount for the OpenAPI document.
func (Cents) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeNumber} }

// LineTotal is what a line of products costs: quantity × price less the discount
// in percent, rounded half away from zero (companion-api.md section 2, "Includes").
// Quantity and discount are given in hundredths, so 2 pieces are 200 and 12.5 % are 1250.
func LineTotal(quantityHundredths int64, price Cents, discountHundredths int64) Cents {
	const whole = 100 * 100 * 100 // hundredths of pieces × hundredths of percent of 100
	product := quantityHundredths * int64(price)
	return Cents(roundDiv(product, 10_000-discountHundredths, whole))
}

// roundDiv is a×b/c rounded half away from zero; the amounts of a line keep it within int64
// because the whole part of a is multiplied apart from its remainder.
func roundDiv(a, b, c int64) int64 {
	whole, rest := a/c, a%c
	scaled := rest * b
	half := c / 2
	if scaled < 0 {
		half = -half
	}
	return whole*b + (scaled+half)/c
}
