package spreadsheet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// What a file may have at most. A cell of Excel has 32,767 characters.
const (
	maxColumns = 1000
	maxCell    = 128 << 10
	maxRows    = 1_048_576
)

// Encoding is how a CSV's characters are written.
type Encoding string

// The encodings.
const (
	UTF8        Encoding = "utf-8"
	UTF16       Encoding = "utf-16"
	Windows1252 Encoding = "windows-1252"
)

// Delimiters are those that are recognised.
const Delimiters = ",;\t|"

// csvReader reads a CSV whose bytes are in an encoding that contains ASCII.
type csvReader struct {
	in        *bufio.Reader
	delimiter byte
	encoding  Encoding
	row       int
	cell      []byte
	skipSep   bool
}

// csvRows reads the rows of a CSV.
func csvRows(r io.Reader, encoding Encoding, delimiter byte) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c := &csvReader{in: bufio.NewReaderSize(decoded(r, encoding), 64<<10), delimiter: delimiter, encoding: encoding, skipSep: true}
		if mark, err := c.in.Peek(3); err == nil && string(mark) == "\ufeff" {
			_, _ = c.in.Discard(3)
		}
		for {
			row, err := c.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// decoded is UTF-16 as UTF-8, and anything else as it is.
func decoded(r io.Reader, encoding Encoding) io.Reader {
	if encoding == UTF16 {
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	}
	return r
}

// next reads a row; io.EOF behind the last one.
func (c *csvReader) next() (Row, error) {
	if c.row == 0 && c.skipSep {
		c.skipDelimiterLine()
	}
	row := Row{Number: c.row + 1, Cells: make([]Cell, 0, 16)}
	for {
		more, err := c.readCell(len(row.Cells))
		if errors.Is(err, io.EOF) && len(row.Cells) == 0 && len(c.cell) == 0 {
			return Row{}, io.EOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Row{}, err
		}
		row.Cells = append(row.Cells, Cell{Text: c.text()})
		if more && len(row.Cells) >= maxColumns {
			return Row{}, &Error{Row: c.row + 1, Reason: fmt.Sprintf("there are more than %d columns", maxColumns)}
		}
		if !more {
			break
		}
	}
	if c.row++; c.row > maxRows {
		return Row{}, &Error{Row: c.row, Reason: fmt.Sprintf("there are more than %d rows", maxRows)}
	}
	return row, nil
}

// skipDelimiterLine leaves out "sep=;", by which a file tells Excel its delimiter.
func (c *csvReader) skipDelimiterLine() {
	c.skipSep = false
	line, _ := c.in.Peek(7)
	if len(line) < 6 || !strings.EqualFold(string(line[:4]), "sep=") || (line[5] != '\n' && line[5] != '\r') {
		return
	}
	n := 6
	if len(line) == 7 && line[5] == '\r' && line[6] == '\n' {
		n = 7
	}
	_, _ = c.in.Discard(n)
	c.row++
}

// readCell reads a cell into c.cell and tells whether another one follows in the row.
func (c *csvReader) readCell(column int) (more bool, err error) {
	c.cell = c.cell[:0]
	quoted, wasQuoted := false, false
	for {
		b, err := c.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && quoted:
			return false, &Error{c.row + 1, column + 1, "the quote that begins this cell is never closed"}
		case errors.Is(err, io.EOF) && wasQuoted && len(c.cell) == 0:
			return false, nil // an empty cell in quotes at the very end is a cell
		case err != nil:
			return false, err
		case quoted && b == '"':
			if c.follows('"') {
				c.cell = append(c.cell, '"')
			} else {
				quoted = false
			}
			continue
		case quoted:
		case b == '"' && len(c.cell) == 0 && !wasQuoted:
			quoted, wasQuoted = true, true
			continue
		case b == c.delimiter:
			return true, nil
		case b == '\r':
			c.follows('\n')
			return false, nil
		case b == '\n':
			return false, nil
		}
		if len(c.cell) >= maxCell {
			reason := "the cell is too long"
			if quoted {
				reason = "the cell is too long: the quote that begins it may not be closed"
			}
			return false, &Error{c.row + 1, column + 1, reason}
		}
		c.cell = append(c.cell, b)
	}
}

// follows takes the next byte if it is this one.
func (c *csvReader) follows(b byte) bool {
	next, err := c.in.Peek(1)
	if err != nil || next[0] != b {
		return false
	}
	_, _ = c.in.Discard(1)
	return true
}

// text is the cell as UTF-8, without the NULs that no database takes.
func (c *csvReader) text() string {
	s := c.cell
	if c.encoding == Windows1252 || !utf8.Valid(s) {
		s = fromWindows1252(s, c.encoding != Windows1252)
	}
	return strings.ReplaceAll(string(s), "\x00", "")
}

// fromWindows1252 reads bytes as Windows-1252; with mixed, only those that are not
// UTF-8: such files come about where two are put together.
func fromWindows1252(raw []byte, mixed bool) []byte {
	out := make([]byte, 0, len(raw)+8)
	for i := 0; i < len(raw); {
		if mixed {
			if r, n := utf8.DecodeRune(raw[i:]); r != utf8.RuneError || n > 1 {
				out = append(out, raw[i:i+n]...)
				i += n
				continue
			}
		}
		out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(raw[i]))
		i++
	}
	return out
}
