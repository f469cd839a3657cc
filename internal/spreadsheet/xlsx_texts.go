package spreadsheet

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
)

// textsInMemory is how many bytes of shared texts are kept in memory; of more, all
// go to a temporary file.
const textsInMemory = 4 << 20

// sharedTexts are the texts that the cells of an XLSX refer to by number.
type sharedTexts struct {
	ends   []uint32 // where each ends; it begins where the one before ends
	memory []byte   // the texts, or those that are not in the file yet
	file   *os.File // nil while they are in memory
	length int64    // of the file
}

// readTexts reads the part of the shared texts, if there is one.
func (b *workbook) readTexts() (_ *sharedTexts, err error) {
	texts := &sharedTexts{}
	r, ok, err := b.open("xl/sharedStrings.xml", maxStrings)
	if !ok || err != nil {
		return texts, err
	}
	defer r.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, texts.close())
		}
	}()
	reader := newSheetReader(b, r)
	for {
		token, err := reader.token()
		if errors.Is(err, io.EOF) {
			return texts, texts.spill(false)
		}
		if err != nil {
			return texts, reader.failed(err)
		}
		if start, ok := token.(xml.StartElement); !ok || start.Name.Local != "si" {
			continue
		}
		text, err := reader.content()
		if err != nil {
			return texts, err
		}
		if err := texts.add(unescaped(text)); err != nil {
			return texts, err
		}
	}
}

func (t *sharedTexts) add(text string) error {
	if len(t.ends) == maxTexts {
		return &Error{Reason: "the XLSX file has too many texts"}
	}
	t.memory = append(t.memory, text...)
	t.ends = append(t.ends, uint32(t.length+int64(len(t.memory)))) // maxStrings is below 4 GiB
	return t.spill(len(t.memory) > textsInMemory)
}

// spill moves what is in memory to the file, which it makes if it must.
func (t *sharedTexts) spill(must bool) (err error) {
	if !must && t.file == nil {
		return nil
	}
	if t.file == nil {
		if t.file, err = os.CreateTemp("", "syncro-xlsx-*"); err != nil {
			return err
		}
		// It lives as long as it is open. Where a file that is open cannot be
		// removed, close does it.
		_ = os.Remove(t.file.Name())
	}
	n, err := t.file.Write(t.memory)
	t.length += int64(n)
	t.memory = t.memory[:0]
	return err
}

// at is a text by its number.
func (t *sharedTexts) at(i int) (string, error) {
	if i < 0 || i >= len(t.ends) {
		return "", errors.New("the file is damaged: the text of the cell is missing")
	}
	var from uint32
	if i > 0 {
		from = t.ends[i-1]
	}
	to := t.ends[i]
	if t.file == nil {
		return string(t.memory[from:to]), nil
	}
	var text strings.Builder
	_, err := io.Copy(&text, io.NewSectionReader(t.file, int64(from), int64(to-from)))
	return text.String(), err
}

func (t *sharedTexts) close() error {
	if t == nil || t.file == nil {
		return nil
	}
	err := t.file.Close()
	_ = os.Remove(t.file.Name()) // it may be gone already
	return err
}
