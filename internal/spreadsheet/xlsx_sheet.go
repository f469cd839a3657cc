package spreadsheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// rows reads the sheet.
func (b *workbook) rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r, _, err := b.open(b.part, maxSheet)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer r.Close()
		s := newSheetReader(b, r)
		for {
			row, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			// Rows that the file leaves out are empty ones.
			for gap := s.last + 1; err == nil && gap < row.Number; gap++ {
				if !yield(Row{Number: gap}, nil) {
					return
				}
			}
			if err == nil {
				s.last = row.Number
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// sheetReader walks through the elements of a sheet.
type sheetReader struct {
	book *workbook
	from *bounded
	xml  *xml.Decoder
	last int   // number of the last row
	text int64 // bytes that the cells of all rows had
}

func newSheetReader(b *workbook, from *bounded) *sheetReader {
	return &sheetReader{book: b, from: from, xml: xml.NewDecoder(from)}
}

// token reads the next element or text.
func (s *sheetReader) token() (xml.Token, error) {
	s.from.token = maxToken
	return s.xml.RawToken()
}

// next reads a row; io.EOF behind the last one.
func (s *sheetReader) next() (Row, error) {
	for {
		token, err := s.token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return Row{}, io.EOF
			}
			return Row{}, s.failed(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		row := Row{Number: s.last + 1}
		if n, err := strconv.Atoi(attribute(start, "r")); err == nil {
			row.Number = n
		}
		if row.Number <= s.last || row.Number > maxRows {
			return Row{}, errDamaged(fmt.Sprintf("row %d comes after row %d", row.Number, s.last), nil)
		}
		return s.cells(row)
	}
}

// cells reads to the end of the row.
func (s *sheetReader) cells(row Row) (Row, error) {
	var length int64
	for {
		token, err := s.token()
		if err != nil {
			return row, s.failed(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return row, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column := columnNumber(attribute(t, "r"))
			if column == 0 {
				column = len(row.Cells) + 1
			}
			kind, style := attribute(t, "t"), attribute(t, "s")
			raw, err := s.content()
			if err != nil {
				return row, err
			}
			cell, err := s.value(kind, style, raw)
			if err != nil {
				return row, &Error{row.Number, column, err.Error()}
			}
			if column > maxColumns {
				if cell.Text == "" {
					continue
				}
				return row, &Error{Row: row.Number, Reason: fmt.Sprintf("there are more than %d columns", maxColumns)}
			}
			for len(row.Cells) < column {
				row.Cells = append(row.Cells, Cell{})
			}
			row.Cells[column-1] = cell
			if length += int64(len(cell.Text)); length > maxRowText {
				return row, &Error{Row: row.Number, Reason: "the row is too long"}
			}
			if s.text += int64(len(cell.Text)); s.text > maxText {
				return row, &Error{Row: row.Number, Reason: "the sheet has too much text"}
			}
		}
	}
}

// content reads the text of a cell's value to the end of the cell.
func (s *sheetReader) content() (string, error) {
	var text strings.Builder
	depth, inValue, phonetic := 0, false, 0
	for {
		token, err := s.token()
		if err != nil {
			return "", s.failed(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch t.Name.Local {
			case "v", "t":
				inValue = true
			case "rPh":
				phonetic++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v", "t":
				inValue = false
			case "rPh":
				phonetic--
			}
			if depth--; depth < 0 {
				return text.String(), nil
			}
		case xml.CharData:
			if inValue && phonetic == 0 {
				if text.Len()+len(t) > maxCell {
					return "", &Error{Row: s.last + 1, Reason: "a cell is too long"}
				}
				text.Write(t)
			}
		}
	}
}

// value is a cell by its type and style.
func (s *sheetReader) value(kind, style, raw string) (Cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(raw)
		if err != nil {
			return Cell{}, errors.New("the file is damaged: the text of the cell is missing")
		}
		text, err := s.book.texts.at(i)
		return Cell{Text: text}, err
	case "str", "inlineStr", "e":
		return Cell{Text: unescaped(raw)}, nil
	case "b":
		return Cell{Text: map[string]string{"1": "true", "0": "false"}[raw]}, nil
	case "d":
		return Cell{Text: raw}, nil
	}
	if raw == "" {
		return Cell{}, nil
	}
	number, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return Cell{Text: raw}, nil //nolint:nilerr // what is no number is a text
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.days) && s.book.days[i] && number >= 0 && number < 2_958_466 {
		at := serialTime(number, s.book.from1904)
		switch {
		case number < 1:
			return Cell{Text: at.Format(time.TimeOnly)}, nil
		case at.Equal(at.Truncate(24 * time.Hour)):
			return Cell{Day, at.Format(time.DateOnly)}, nil
		default:
			return Cell{Text: at.Format(time.DateTime)}, nil
		}
	}
	// Excel stores 17 digits and shows 15: 0.30000000000000004 is 0.3.
	if short, err := strconv.ParseFloat(strconv.FormatFloat(number, 'g', 15, 64), 64); err == nil {
		number = short
	}
	return Cell{Number, strconv.FormatFloat(number, 'f', -1, 64)}, nil
}

func (s *sheetReader) failed(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return errDamaged(fmt.Sprintf("sheet %s, behind row %d", s.book.sheet, s.last), err)
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// unescaped reads what XLSX writes for characters that XML cannot hold: _x000D_.
func unescaped(text string) string {
	var plain strings.Builder
	for {
		i := strings.Index(text, "_x")
		if i < 0 {
			plain.WriteString(text)
			return strings.ReplaceAll(plain.String(), "\x00", "")
		}
		plain.WriteString(text[:i])
		text = text[i:]
		if len(text) >= len("_x000D_") && text[6] == '_' {
			if code, err := strconv.ParseUint(text[2:6], 16, 16); err == nil {
				plain.WriteRune(rune(code))
				text = text[len("_x000D_"):]
				continue
			}
		}
		plain.WriteString("_x")
		text = text[len("_x"):]
	}
}
