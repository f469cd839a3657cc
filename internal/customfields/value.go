package customfields

import (
	"encoding/json"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"syncro/internal/calendar"
	"syncro/internal/money"
	"syncro/internal/phones"
)

// The longest values, in Unicode characters. The sources name none; these are
// the lead's own where it has such a field (companion-api.md section 2).
const (
	maxText     = 1000
	maxTextarea = 5000
	maxURL      = 2048
	maxEmail    = 191
	maxPhone    = 50
	maxNumber   = 64
)

// Convert makes the field's value of one that a client sent, as loosely as
// companion-api.md section 1 asks ("Loose input") and as section 4 does by type:
//
//   - text, textarea: a string, or the digits of a number
//   - number: a JSON number with the decimals that were sent; a decimal comma is none
//   - currency: a number in cents, rounded half away from zero, negative ones too
//   - date: YYYY-MM-DD; of a date with a time the date as written
//   - checkbox: true and false, also 1, "1", "true" and their opposites
//   - select: an option in its stored spelling, found without regard to case
//   - multiselect: an array of options, each once, in the order sent; one option alone will do
//   - url: with http or https; phone: as phones.NormalizeIn stores it; email: a bare address
//
// Null, "" and an array without values clear. What cannot be converted yields a
// problem, in the wording of the reference; value is then nil.
func (f Field) Convert(raw json.RawMessage) (value json.RawMessage, cleared bool, problem string) {
	sent := read(raw)
	if sent.shape == empty {
		return nil, true, ""
	}
	switch f.Type {
	case Number:
		value, problem = f.number(sent)
	case Currency:
		value, problem = f.currency(sent)
	case Date:
		value, problem = f.date(sent)
	case Checkbox:
		value, problem = f.checkbox(sent)
	case Select:
		value, problem = f.choice(sent)
	case Multiselect:
		value, problem = f.choices(sent, raw)
		cleared = value == nil && problem == ""
	default:
		value, problem = f.text(sent)
	}
	return value, cleared, problem
}

// shape is what sort of JSON value was sent.
type shape uint8

const (
	other   shape = iota // an object, or no JSON at all
	empty                // null, or a string of nothing but blanks
	text                 // any other string
	number               // a number
	boolean              // true or false
	array                // an array
)

// incoming is a value as a client sent it: its shape, and of a string what it
// says, trimmed, of a number or a boolean how it is written.
type incoming struct {
	shape shape
	text  string
}

func read(raw json.RawMessage) incoming {
	written := strings.Trim(string(raw), " \t\r\n")
	if written == "" {
		return incoming{shape: other}
	}
	switch c := written[0]; {
	case c == '"':
		var said string
		if json.Unmarshal(raw, &said) != nil {
			return incoming{shape: other}
		}
		if said = strings.TrimSpace(said); said == "" {
			return incoming{shape: empty}
		}
		return incoming{text, said}
	case c == '[':
		return incoming{shape: array}
	case written == "null":
		return incoming{shape: empty}
	case written == "true", written == "false":
		return incoming{boolean, written}
	case c == '-' || c >= '0' && c <= '9':
		if json.Valid([]byte(written)) {
			return incoming{number, written}
		}
	}
	return incoming{shape: other}
}

// must is a problem in the wording of most rules.
func (f Field) must(what string) string {
	return "The custom_fields." + f.Name + " field must " + what + "."
}

func (f Field) notSelected() string { return "The selected custom_fields." + f.Name + " is invalid." }

// text converts the types whose values are texts.
func (f Field) text(sent incoming) (json.RawMessage, string) {
	if sent.shape != text && sent.shape != number {
		return nil, f.must("be a string")
	}
	value, longest := sent.text, maxText
	switch f.Type {
	case Textarea:
		longest = maxTextarea
	case URL:
		longest = maxURL
		if !webAddress(value) {
			return nil, f.must("be a valid URL")
		}
	case Email:
		longest = maxEmail
		if !mailAddress(value) {
			return nil, f.must("be a valid email address")
		}
	case Phone:
		longest = maxPhone
		value = phones.NormalizeIn(value, f.phoneRegion)
	}
	if utf8.RuneCountInString(value) > longest {
		return nil, f.must("not be greater than " + strconv.Itoa(longest) + " characters")
	}
	return appendString(nil, value), ""
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.ContainsAny(s, " \t\r\n")
}

func mailAddress(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Name == "" && address.Address == s
}

func (f Field) number(sent incoming) (json.RawMessage, string) {
	if decimal, ok := sent.decimal(); ok {
		return json.RawMessage(decimal), ""
	}
	return nil, f.must("be a number")
}

func (f Field) currency(sent incoming) (json.RawMessage, string) {
	decimal, ok := sent.decimal()
	if !ok {
		return nil, f.must("be a number")
	}
	amount, err := money.Parse(decimal)
	switch beyond := err != nil || amount > money.Max || amount < -money.Max; {
	case beyond && decimal[0] == '-':
		return nil, f.must("be at least " + string((-money.Max).AppendJSON(nil)))
	case beyond:
		return nil, f.must("not be greater than " + string(money.Max.AppendJSON(nil)))
	}
	return amount.AppendJSON(nil), ""
}

// decimal is the number as JSON writes it, with the decimals that were sent.
// Besides JSON's own spelling it takes from texts what forms and sheets write:
// "+5", "007", ".5", "5.".
func (in incoming) decimal() (string, bool) {
	if in.shape != number && in.shape != text || len(in.text) > maxNumber {
		return "", false
	}
	rest, sign := in.text, ""
	switch rest[0] {
	case '-':
		rest, sign = rest[1:], "-"
	case '+':
		rest = rest[1:]
	}
	exponent := ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		rest, exponent = rest[:i], rest[i:]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	decimal := sign + whole + fraction + exponent
	// What no reader of the answer could hold is no number either, as 1e999.
	if _, err := strconv.ParseFloat(decimal, 64); err != nil {
		return "", false
	}
	return decimal, true
}

func (f Field) date(sent incoming) (json.RawMessage, string) {
	day := sent.text
	if len(day) > len(time.DateOnly) {
		if _, err := calendar.ParseMoment(day, time.UTC); err == nil {
			day = day[:len(time.DateOnly)]
		}
	}
	date, err := calendar.ParseDate(day)
	if err != nil || sent.shape != text {
		return nil, f.must("be a valid date")
	}
	return appendString(nil, string(date)), ""
}

func (f Field) checkbox(sent incoming) (json.RawMessage, string) {
	switch strings.ToLower(sent.text) {
	case "true", "1":
		return json.RawMessage("true"), ""
	case "false", "0":
		return json.RawMessage("false"), ""
	}
	return nil, f.must("be true or false")
}

func (f Field) choice(sent incoming) (json.RawMessage, string) {
	if option, ok := f.option(sent); ok {
		return appendString(nil, option), ""
	}
	return nil, f.notSelected()
}

// choices returns nil without a problem when nothing is chosen.
func (f Field) choices(sent incoming, raw json.RawMessage) (json.RawMessage, string) {
	var members []json.RawMessage
	switch {
	case sent.shape == text, sent.shape == number:
		members = []json.RawMessage{raw}
	case sent.shape != array, json.Unmarshal(raw, &members) != nil:
		return nil, f.must("be an array")
	}
	var chosen []string
	for _, member := range members {
		one := read(member)
		if one.shape == empty {
			continue
		}
		option, ok := f.option(one)
		if !ok {
			return nil, f.notSelected()
		}
		if !slices.Contains(chosen, option) {
			chosen = append(chosen, option)
		}
	}
	if chosen == nil {
		return nil, ""
	}
	value := []byte{'['}
	for i, option := range chosen {
		if i > 0 {
			value = append(value, ',')
		}
		value = appendString(value, option)
	}
	return append(value, ']'), ""
}

// option is the option that was meant, in its own spelling.
func (f Field) option(sent incoming) (string, bool) {
	if sent.shape != text && sent.shape != number {
		return "", false
	}
	if slices.Contains(f.Options, sent.text) {
		return sent.text, true
	}
	same := func(option string) bool { return strings.EqualFold(option, sent.text) }
	if i := slices.IndexFunc(f.Options, same); i >= 0 {
		return f.Options[i], true
	}
	return "", false
}

// appendString appends valid UTF-8 as a JSON string in its shortest form.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
