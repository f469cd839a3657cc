package spreadsheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"
)

// Writer writes the rows of a table.
type Writer interface {
	// Row writes a row.
	Row(cells []Cell) error
	// Flush sends on what was written so far.
	Flush() error
	// Close ends the table; what it was written to stays open.
	Close() error
}

// csvWriter writes a CSV as Excel reads it: UTF-8 with a mark, lines ending in CR LF.
type csvWriter struct {
	out       *bufio.Writer
	delimiter byte
}

// NewCSV writes a CSV. With a semicolon it is one for Excel in Brazil: numbers with a
// decimal comma, days as 31/12/2026.
func NewCSV(w io.Writer, delimiter byte) (Writer, error) {
	c := &csvWriter{bufio.NewWriterSize(w, 32<<10), delimiter}
	_, err := c.out.WriteString("\ufeff")
	return c, err
}

// Row writes a row.
func (c *csvWriter) Row(cells []Cell) error {
	for i, cell := range cells {
		if i > 0 {
			_ = c.out.WriteByte(c.delimiter) // a Writer keeps its first error for the end of the row
		}
		text := c.shown(cell)
		if strings.IndexByte(text, c.delimiter) < 0 && !strings.ContainsAny(text, "\"\r\n") && strings.TrimSpace(text) == text {
			_, _ = c.out.WriteString(text)
			continue
		}
		_ = c.out.WriteByte('"')
		_, _ = c.out.WriteString(strings.ReplaceAll(text, `"`, `""`))
		_ = c.out.WriteByte('"')
	}
	_, err := c.out.WriteString("\r\n")
	return err
}

func (c *csvWriter) shown(cell Cell) string {
	brazilian := c.delimiter == ';'
	switch {
	case cell.Text == "":
		return ""
	case cell.Kind == Text:
		return Harmless(cell.Text)
	case cell.Kind == Number && brazilian:
		return strings.Replace(cell.Text, ".", ",", 1)
	case cell.Kind == Number:
		return UnmistakableNumber(cell.Text)
	case cell.Kind == Day && brazilian:
		if t, err := time.Parse(time.DateOnly, cell.Text); err == nil {
			return t.Format("02/01/2006")
		}
	}
	return cell.Text
}

// Flush sends on what was written so far.
func (c *csvWriter) Flush() error { return c.out.Flush() }

// Close ends the table.
func (c *csvWriter) Close() error { return c.out.Flush() }

// xlsxWriter writes an XLSX of one sheet, whose texts stand in their cells, so that
// nothing has to be kept till the end.
type xlsxWriter struct {
	archive *zip.Writer
	sheet   *bufio.Writer
	row     int
}

// The parts of an XLSX besides its sheet. Style 1 shows a day, style 2 a time.
var xlsxParts = [][2]string{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
		`<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="22" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`},
}

// NewXLSX writes an XLSX with a sheet of that name.
func NewXLSX(w io.Writer, sheet string) (Writer, error) {
	x := &xlsxWriter{archive: zip.NewWriter(w)}
	var name strings.Builder
	_ = xml.EscapeText(&name, []byte(sheet)) // a Builder takes everything
	book := [2]string{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="` + name.String() + `" sheetId="1" r:id="rId1"/></sheets></workbook>`}
	for _, part := range append([][2]string{book}, xlsxParts...) {
		if _, err := x.part(part[0], part[1]); err != nil {
			return nil, err
		}
	}
	sheetPart, err := x.part("xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	if err != nil {
		return nil, err
	}
	x.sheet = bufio.NewWriterSize(sheetPart, 32<<10)
	return x, nil
}

func (x *xlsxWriter) part(name, begin string) (io.Writer, error) {
	w, err := x.archive.Create(name)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+begin)
	return w, err
}

// Row writes a row.
func (x *xlsxWriter) Row(cells []Cell) error {
	x.row++
	_, _ = x.sheet.WriteString(`<row r="` + strconv.Itoa(x.row) + `">`) // a Writer keeps its first error for the end of the row
	for i, cell := range cells {
		if cell.Text != "" {
			x.cell(`<c r="`+ColumnName(i+1)+strconv.Itoa(x.row)+`"`, cell)
		}
	}
	_, err := x.sheet.WriteString(`</row>`)
	return err
}

func (x *xlsxWriter) cell(begin string, cell Cell) {
	serial := func(layout string) (string, bool) {
		t, err := time.Parse(layout, cell.Text)
		days := t.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Seconds() / 86400
		return strconv.FormatFloat(days, 'f', -1, 64), err == nil && days >= 61 // before March 1900 Excel counts a day that was not
	}
	switch cell.Kind {
	case Number:
		_, _ = x.sheet.WriteString(begin + `><v>` + cell.Text + `</v></c>`)
		return
	case Day:
		if n, ok := serial(time.DateOnly); ok {
			_, _ = x.sheet.WriteString(begin + ` s="1"><v>` + n + `</v></c>`)
			return
		}
	case Moment:
		if n, ok := serial(time.RFC3339); ok {
			_, _ = x.sheet.WriteString(begin + ` s="2"><v>` + n + `</v></c>`)
			return
		}
	}
	_, _ = x.sheet.WriteString(begin + ` t="inlineStr"><is><t xml:space="preserve">`)
	text := cell.Text
	if cell.Kind == Text {
		text = Harmless(text)
	}
	_ = xml.EscapeText(x.sheet, []byte(escaped(text)))
	_, _ = x.sheet.WriteString(`</t></is></c>`)
}

// escaped writes what XML cannot hold as XLSX does, and what looks like that.
func escaped(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r < 0x20 && r != '\t' && r != '\n', r == 0xfffe, r == 0xffff:
			b.WriteString("_x" + strings.ToUpper(strconv.FormatInt(0x10000+int64(r), 16)[1:]) + "_")
		case r == '_' && strings.HasPrefix(text[i:], "_x") && unescaped(text[i:min(len(text), i+7)]) != text[i:min(len(text), i+7)]:
			b.WriteString("_x005F_")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Flush sends on what was written so far.
func (x *xlsxWriter) Flush() error {
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	return x.archive.Flush()
}

// Close ends the table.
func (x *xlsxWriter) Close() error {
	if _, err := x.sheet.WriteString(`</sheetData></worksheet>`); err != nil {
		return err
	}
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	return x.archive.Close()
}
