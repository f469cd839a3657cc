package spreadsheet

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strings"
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
