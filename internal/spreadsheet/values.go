package spreadsheet

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A number in a cell: digits with separators, nothing else.
var numeral = regexp.MustCompile(`^[0-9]*(?:[.,' ][0-9]+)*[.,]?[0-9]*$`)

// ParseNumber reads a number as people write it and gives it as a decimal such as
// 1234.56. It may have the sign of a currency, a sign, blanks, parentheses for a
// negative amount or a percent sign, which is dropped.
//
// Which separator is the decimal one is decided by decimal, '.' or ','; 0 stands for
// what is usual in Brazil: of two kinds of separator the last one is decimal, a comma
// alone is decimal, and a point alone is one only where it cannot separate thousands:
// 1.234 is 1234, and 1.5, 1234.567 and 0.125 are what they seem.
func ParseNumber(text string, decimal byte) (string, bool) {
	s := strings.Map(func(r rune) rune {
		switch r {
		case '\u00a0', '\u202f', '\u2009':
			return ' '
		case '\u2212', '\u2013':
			return '-'
		}
		return r
	}, text)
	s = strings.TrimSpace(s)
	negative := false
	if inner, ok := strings.CutPrefix(s, "("); ok && strings.HasSuffix(inner, ")") {
		negative, s = true, strings.TrimSuffix(inner, ")")
	}
	s = strings.TrimSuffix(s, "%")
	for changed := true; changed; {
		s = strings.TrimSpace(s)
		before := len(s)
		for _, sign := range []string{"R$", "US$", "U$", "BRL", "USD", "EUR", "$", "€", "£"} {
			s = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(s, sign), sign))
		}
		if rest, ok := strings.CutPrefix(s, "-"); ok && !negative {
			negative, s = true, rest
		} else if rest, ok := strings.CutSuffix(s, "-"); ok && !negative {
			negative, s = true, rest
		} else if rest, ok := strings.CutPrefix(s, "+"); ok {
			s = rest
		}
		changed = len(s) != before
	}
	if strings.Trim(s, ".,' ") == "" || !numeral.MatchString(s) {
		return "", false
	}
	plain, ok := decimalOf(s, decimal)
	if ok && negative && strings.Trim(plain, "0.") != "" {
		plain = "-" + plain
	}
	return plain, ok
}

// decimalOf reads digits with separators.
func decimalOf(s string, decimal byte) (string, bool) {
	at := strings.LastIndexAny(s, ".,")
	if decimal != 0 {
		at = strings.LastIndexByte(s, decimal)
	}
	if decimal == 0 && at >= 0 && isThousands(s, at) {
		at = -1
	}
	whole, fraction := s, ""
	if at >= 0 {
		whole, fraction = s[:at], s[at+1:]
		if strings.IndexByte(whole, s[at]) >= 0 {
			return "", false // the decimal separator twice
		}
	}
	if strings.ContainsAny(fraction, ".,' ") || !grouped(whole) {
		return "", false
	}
	whole = strings.TrimLeft(strings.NewReplacer(".", "", ",", "", "'", "", " ", "").Replace(whole), "0")
	if whole == "" {
		whole = "0"
	}
	if len(whole)+len(fraction) > 30 {
		return "", false
	}
	if fraction == "" {
		return whole, true
	}
	return whole + "." + fraction, true
}

// isThousands tells whether the last separator, which stands at a place, only
// separates thousands: it occurs more than once, or it is a lone point before three
// digits and behind at most three others, the first of which is no zero.
func isThousands(s string, at int) bool {
	whole, fraction := s[:at], s[at+1:]
	if strings.IndexByte(whole, s[at]) >= 0 {
		return true
	}
	return s[at] == '.' && len(fraction) == 3 && !strings.ContainsAny(whole, ",' ") && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0'
}

// grouped tells whether separators in a whole number stand before three digits each.
func grouped(whole string) bool {
	parts := strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(".,' ", r) })
	if strings.Count(whole, ".")+strings.Count(whole, ",")+strings.Count(whole, "'")+strings.Count(whole, " ") != max(len(parts)-1, 0) {
		return false
	}
	for i, part := range parts {
		if i > 0 && len(part) != 3 || i == 0 && len(parts) > 1 && len(part) > 3 {
			return false
		}
	}
	return true
}

// UnmistakableNumber is a decimal as a CSV with decimal points writes it: one that
// [ParseNumber] could take for thousands gets a zero more.
func UnmistakableNumber(decimal string) string {
	if at := strings.IndexByte(decimal, '.'); at >= 0 && len(decimal)-at-1 == 3 {
		return decimal + "0"
	}
	return decimal
}

// The spellings of a day, with the time of day cut off. Where day and month could be
// either, the day comes first, as in Brazil.
var dayLayouts = []string{"2006-1-2", "2006/1/2", "2006.1.2", "2/1/2006", "2-1-2006", "2.1.2006", "2/1/06", "2-1-06", "2.1.06", "20060102"}

var timeOfDay = regexp.MustCompile(`^(.{6,10}?)(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?$`)

// ParseDay reads a day as people write it (31/12/2026, 31/12/26, 2026-12-31, with or
// without a time of day, which is dropped) or as Excel counts it (46387), and gives
// it as YYYY-MM-DD. Years of two digits up to 68 are of this century, as birthdays
// too may have them.
func ParseDay(text string) (string, bool) {
	s := strings.TrimSpace(text)
	if m := timeOfDay.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	for _, layout := range dayLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1800 && t.Year() <= 2999 {
			return t.Format(time.DateOnly), true
		}
	}
	if serial, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64); err == nil && len(s) >= 4 && serial >= 1000 && serial < 402_000 {
		return serialTime(serial, false).Format(time.DateOnly), true
	}
	return "", false
}

// serialTime is the time that Excel's count of days stands for. It counts from 1900
// as if that year had had a 29th of February, or from 1904.
func serialTime(serial float64, from1904 bool) time.Time {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case serial < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	days, rest := math.Modf(serial)
	return epoch.AddDate(0, 0, int(days)).Add(time.Duration(math.Round(rest*86400)) * time.Second)
}

var yes, no = words("sim s yes y true verdadeiro v x 1 si on ativo"), words("não nao n no false falso f 0 off inativo")

func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// ParseBool reads yes and no in Portuguese, English and Spanish.
func ParseBool(text string) (value, ok bool) {
	s := strings.ToLower(strings.TrimSpace(text))
	return yes[s], yes[s] || no[s]
}

// SplitList reads a list in one cell: elements separated by commas, semicolons, bars
// or line ends. An element in quotes may contain them.
func SplitList(text string) []string {
	var list []string
	var element strings.Builder
	quoted := false
	end := func() {
		if s := strings.TrimSpace(element.String()); s != "" {
			list = append(list, s)
		}
		element.Reset()
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			element.WriteByte(c)
			i++
		case c == '"' && (quoted || strings.TrimSpace(element.String()) == ""):
			quoted = !quoted
		case !quoted && strings.IndexByte(",;|\n\r", c) >= 0:
			end()
		default:
			element.WriteByte(c)
		}
	}
	end()
	return list
}

// JoinList writes a list into one cell, for [SplitList].
func JoinList(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		if strings.ContainsAny(s, ",;|\n\r\"") {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		parts[i] = s
	}
	return strings.Join(parts, ", ")
}
