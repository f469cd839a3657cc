package spreadsheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Options say what a file is where it is known; what is left zero is looked for.
type Options struct {
	Encoding  Encoding // of a CSV
	Delimiter byte     // of a CSV
	Sheet     string   // of an XLSX; its first visible one when left out
}

// File is a table that can be read.
type File struct {
	Format    Format
	Encoding  Encoding // of a CSV
	Delimiter byte     // of a CSV
	Sheet     string   // of an XLSX: the one that is read
	Sheets    []string // of an XLSX: all that are visible

	content *io.SectionReader
	book    *workbook
}

// Open looks at a file and says what it is. The content must stay readable as long
// as the file is used; Close it then.
func Open(content io.ReaderAt, size int64, o Options) (*File, error) {
	f := &File{content: io.NewSectionReader(content, 0, size)}
	head := make([]byte, min(size, sampleSize))
	if _, err := f.content.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	switch {
	case size == 0:
		return nil, &Error{Reason: "the file is empty"}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		f.Format = XLSX
		var err error
		if f.book, err = openWorkbook(f.content, size, o.Sheet); err != nil {
			return nil, err
		}
		f.Sheet, f.Sheets = f.book.sheet, f.book.sheets
		return f, nil
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, &Error{Reason: "this is an old .xls or a protected file: save it as .xlsx or .csv"}
	case bytes.HasPrefix(head, []byte("%PDF")), bytes.HasPrefix(head, []byte("{\\rtf")):
		return nil, &Error{Reason: "the file is neither a CSV nor an XLSX"}
	}
	f.Format = CSV
	var err error
	if f.Encoding, err = f.encoding(head, o.Encoding); err != nil {
		return nil, err
	}
	if f.Delimiter = o.Delimiter; f.Delimiter == 0 {
		f.Delimiter = delimiterOf(head, f.Encoding)
	}
	return f, nil
}

// Close lets go of what the file holds.
func (f *File) Close() error {
	if f.book == nil {
		return nil
	}
	return f.book.close()
}

// Rows reads the rows from the first one on. An error ends them.
func (f *File) Rows() iter.Seq2[Row, error] {
	if f.Format == XLSX {
		return f.book.rows()
	}
	return csvRows(io.NewSectionReader(f.content, 0, f.content.Size()), f.Encoding, f.Delimiter)
}

// sampleSize is how much of a CSV is looked at to find its delimiter.
const sampleSize = 64 << 10

// encoding finds how a CSV is written: by its mark, or by reading all of it.
func (f *File) encoding(head []byte, known Encoding) (Encoding, error) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16, nil
	case bytes.IndexByte(head, 0) >= 0:
		return "", &Error{Reason: "the file is neither a CSV nor an XLSX"}
	case known != "":
		return known, nil
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return UTF8, nil
	}
	// A text in Windows-1252 hardly ever looks like UTF-8, so what there is more of decides.
	var valid, invalid int
	buffer, kept := make([]byte, 64<<10), 0
	for offset := int64(0); ; {
		n, err := f.content.ReadAt(buffer[kept:], offset)
		offset += int64(n)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return "", fmt.Errorf("reading the file: %w", err)
		}
		rest := buffer[:kept+n]
		for len(rest) > 0 && (last || utf8.FullRune(rest)) {
			r, size := utf8.DecodeRune(rest)
			switch {
			case r == utf8.RuneError && size == 1:
				invalid++
			case size > 1:
				valid++
			}
			rest = rest[size:]
		}
		if last {
			break
		}
		kept = copy(buffer, rest)
	}
	if invalid > valid {
		return Windows1252, nil
	}
	return UTF8, nil
}

// delimiterOf finds what separates the cells: the delimiter by which the most rows
// have as many cells as the first; of several the one that gives more cells.
func delimiterOf(head []byte, encoding Encoding) byte {
	first := string(head[:min(len(head), 12)])
	if i := strings.Index(strings.ToLower(first), "sep="); (i == 0 || i == 3) && len(first) > i+4 && strings.IndexByte(Delimiters, first[i+4]) >= 0 {
		return first[i+4]
	}
	best, bestRows, bestCells := byte(','), 0, 1
	for _, delimiter := range []byte(Delimiters) {
		rows, cells := 0, 0
		for row, err := range csvRows(bytes.NewReader(head), encoding, delimiter) {
			if err != nil || rows >= 100 {
				break
			}
			if row.Empty() {
				continue
			}
			if cells == 0 {
				cells = len(row.Cells)
			}
			if len(row.Cells) == cells {
				rows++
			}
		}
		if cells > 1 && (rows > bestRows || (rows == bestRows && cells > bestCells)) {
			best, bestRows, bestCells = delimiter, rows, cells
		}
	}
	return best
}
