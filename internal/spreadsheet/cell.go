package spreadsheet

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a cell holds.
type Kind uint8

// The kinds of cell.
const (
	Text   Kind = iota
	Number      // Text is a decimal as Go and JSON write it
	Day         // Text is YYYY-MM-DD
	Moment      // Text is an RFC 3339 time in UTC
)

// Cell is one value of a row. The zero value is an empty cell.
type Cell struct {
	Kind Kind
	Text string
}

// Row is a row of a table.
type Row struct {
	Number int // as Excel shows it, from 1
	Cells  []Cell
}

// Empty tells whether no cell of the row has anything but blanks.
func (r Row) Empty() bool {
	for _, c := range r.Cells {
		if strings.TrimSpace(c.Text) != "" {
			return false
		}
	}
	return true
}

// Error is what makes a file unreadable, and where.
type Error struct {
	Row    int // 0: the file as a whole
	Column int // from 1; 0: the row as a whole
	Reason string
}

func (e *Error) Error() string {
	switch {
	case e.Row == 0:
		return e.Reason
	case e.Column == 0:
		return fmt.Sprintf("row %d: %s", e.Row, e.Reason)
	default:
		return fmt.Sprintf("row %d, column %s: %s", e.Row, ColumnName(e.Column), e.Reason)
	}
}

// ColumnName is how spreadsheets name a column: 1 is A, 27 is AA.
func ColumnName(column int) string {
	var name string
	for ; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// columnNumber reads the column of a reference such as "AB12"; 0 when it has none.
func columnNumber(reference string) int {
	n := 0
	for _, c := range []byte(reference) {
		if c < 'A' || c > 'Z' || n > maxColumns {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n
}

// MarshalJSON writes a number as a number and everything else as a text.
func (c Cell) MarshalJSON() ([]byte, error) {
	if c.Kind == Number {
		return []byte(c.Text), nil
	}
	return json.Marshal(c.Text)
}

// UnmarshalJSON reads what MarshalJSON wrote; a day comes back as a text.
func (c *Cell) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*c = Cell{}
		return json.Unmarshal(raw, &c.Text)
	}
	*c = Cell{Number, string(raw)}
	_, err := strconv.ParseFloat(c.Text, 64)
	return err
}

// Trimmed is the text without blanks around it.
func (c Cell) Trimmed() string { return strings.TrimSpace(c.Text) }

// formulaStarts are what a text begins with that programs take for a formula.
const formulaStarts = "=+-@\t\r"

// Harmless is a text that no program takes for a formula when it opens a CSV: one
// that begins as formulas do gets an apostrophe. A number of + and digits, such as a
// phone in E.164, calculates nothing and stays as it is, so that other programs can
// read it. [Restored] is the inverse of every text.
func Harmless(text string) string {
	if guarded(text) && !isPlainPhone(text) {
		return "'" + text
	}
	return text
}

// Restored takes back what [Harmless] added.
func Restored(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok && guarded(rest) {
		return rest
	}
	return text
}

// guarded tells whether a text begins as a formula, behind apostrophes or none: one
// that has apostrophes of its own gets another, which is the one to be taken away.
func guarded(text string) bool {
	rest := strings.TrimLeft(text, "'")
	return rest != "" && strings.IndexByte(formulaStarts, rest[0]) >= 0
}

func isPlainPhone(text string) bool {
	digits, ok := strings.CutPrefix(text, "+")
	return ok && len(digits) <= 20 && strings.Trim(digits, "0123456789") == ""
}
