package spreadsheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// How large the parts of an XLSX may be, unpacked: a small file can hold a lot of
// nothing.
const (
	maxSheet   = 2 << 30
	maxStrings = 512 << 20
	maxTexts   = 16 << 20  // shared texts, whose ends are in memory
	maxToken   = 1 << 20   // one element or text, as it is written
	maxRowText = 1 << 20   // what the cells of a row say
	maxText    = 256 << 20 // what all cells say, however few texts they share
	maxPart    = 32 << 20
)

// workbook is an XLSX that is being read. It is read by hand, part by part and
// element by element: a row is known by its cells' own types and formats (which
// tell the number 1.234 from the text "1.234", and a day from a number), and what is
// held is bounded whatever the file holds.
type workbook struct {
	parts    map[string]*zip.File
	sheet    string   // the sheet that is read
	part     string   // its part
	sheets   []string // the visible ones
	days     []bool   // by style: whether it shows a number as a day
	texts    *sharedTexts
	from1904 bool
}

// errDamaged is the refusal of an XLSX that is not one.
func errDamaged(about string, cause error) error {
	if cause == nil {
		return &Error{Reason: "the XLSX file is damaged: " + about}
	}
	return &Error{Reason: fmt.Sprintf("the XLSX file is damaged: %s: %v", about, cause)}
}

func openWorkbook(content io.ReaderAt, size int64, sheet string) (*workbook, error) {
	archive, err := zip.NewReader(content, size)
	if err != nil {
		return nil, errDamaged("it is no archive", err)
	}
	b := &workbook{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		b.parts[strings.TrimPrefix(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), "/")] = f
	}
	if err := b.chooseSheet(sheet); err != nil {
		return nil, err
	}
	if err := b.readStyles(); err != nil {
		return nil, err
	}
	b.texts, err = b.readTexts()
	return b, err
}

func (b *workbook) close() error { return b.texts.close() }

// bounded reads so much of a part and no more.
type bounded struct {
	io.ReadCloser
	left  int64
	token int64 // left of the element or text that is being read, which is held in memory whole
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 || b.token <= 0 {
		return 0, &Error{Reason: "the XLSX file is too large when it is unpacked"}
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left, b.token)])
	b.left -= int64(n)
	b.token -= int64(n)
	return n, err
}

// open opens a part; ok is false when there is none.
func (b *workbook) open(name string, limit int64) (r *bounded, ok bool, err error) {
	f, ok := b.parts[name]
	if !ok {
		return nil, false, nil
	}
	raw, err := f.Open()
	if err != nil {
		return nil, true, errDamaged(name, err)
	}
	return &bounded{raw, limit, limit}, true, nil
}

// decode reads a small part into a struct.
func (b *workbook) decode(name string, v any) (ok bool, err error) {
	r, ok, err := b.open(name, maxPart)
	if !ok || err != nil {
		return ok, err
	}
	defer r.Close()
	if err := xml.NewDecoder(r).Decode(v); err != nil {
		return true, errDamaged(name, err)
	}
	return true, nil
}

// chooseSheet finds the part of the sheet of that name, or of the first visible one.
func (b *workbook) chooseSheet(name string) error {
	var book struct {
		Properties struct {
			From1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if ok, err := b.decode("xl/workbook.xml", &book); err != nil || !ok {
		if err == nil {
			err = errDamaged("it has no workbook", nil)
		}
		return err
	}
	if _, err := b.decode("xl/_rels/workbook.xml.rels", &relations); err != nil {
		return err
	}
	b.from1904 = book.Properties.From1904 == "1" || book.Properties.From1904 == "true"
	chosen := -1
	for i, s := range book.Sheets {
		if s.State == "" || s.State == "visible" {
			b.sheets = append(b.sheets, s.Name)
			if chosen < 0 && (name == "" || strings.EqualFold(s.Name, name)) {
				chosen = i
			}
		}
	}
	if chosen < 0 {
		if name != "" && len(b.sheets) > 0 {
			return &Error{Reason: fmt.Sprintf("the file has no sheet %q; it has: %s", name, strings.Join(b.sheets, ", "))}
		}
		return errDamaged("it has no sheet", nil)
	}
	b.sheet, b.part = book.Sheets[chosen].Name, fmt.Sprintf("xl/worksheets/sheet%d.xml", chosen+1)
	for _, attr := range book.Sheets[chosen].Attrs {
		for _, r := range relations.List {
			if attr.Name.Local == "id" && attr.Value == r.ID {
				b.part = strings.TrimPrefix(r.Target, "/")
				if !strings.HasPrefix(r.Target, "/") {
					b.part = path.Join("xl", r.Target)
				}
			}
		}
	}
	if b.parts[b.part] == nil {
		return errDamaged("the sheet "+b.sheet+" is missing", nil)
	}
	return nil
}

// readStyles finds out which styles show days.
func (b *workbook) readStyles() error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Styles []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if _, err := b.decode("xl/styles.xml", &styles); err != nil {
		return err
	}
	own := map[int]bool{}
	for _, f := range styles.Formats {
		own[f.ID] = showsDays(f.Code)
	}
	for _, s := range styles.Styles {
		day, known := own[s.Format]
		// What ECMA-376 part 1, 18.8.30, gives without a code, for languages with dates of their own too.
		built := (s.Format >= 14 && s.Format <= 22) || (s.Format >= 27 && s.Format <= 36) || (s.Format >= 45 && s.Format <= 47) || (s.Format >= 50 && s.Format <= 58)
		b.days = append(b.days, day || (!known && built))
	}
	return nil
}

// showsDays tells whether a format's code has a part of a date or a time outside of
// what it shows literally.
func showsDays(code string) bool {
	code, _, _ = strings.Cut(code, ";")
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '\\', '_', '*':
			i++
		case '"', '[':
			end := map[byte]byte{'"': '"', '[': ']'}[c]
			n := strings.IndexByte(code[i+1:], end)
			if n < 0 {
				return false
			}
			i += n + 1
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return !strings.EqualFold(code, "standard") && !strings.EqualFold(code, "General")
		}
	}
	return false
}

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
