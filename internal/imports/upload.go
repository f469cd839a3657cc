package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/spreadsheet"
)

const (
	// partRows is how many rows one transaction imports: each holds a lock for its
	// email and its phone, and on SQLite nobody else writes meanwhile.
	partRows = 250
	// partBytes is how large the texts of a part may be before it is full anyway.
	partBytes = 1 << 20
	// sampled is how many rows are looked at to find out what a column holds, shown how
	// many values of it answers show.
	sampled = 50
	shown   = 3
)

// File is a file that leads are to be imported from.
type File struct {
	Name    string
	Content io.ReaderAt
	Size    int64
	spreadsheet.Options
	Header *bool // whether the first row names the columns; nil: to be found out
}

// Upload reads a file into parts (POST /imports).
func (s *Service) Upload(ctx context.Context, actor authz.Actor, f File) (View, error) {
	u, err := s.Pipelines.Board(ctx, actor)
	if err != nil {
		return View{}, err
	}
	fields, err := s.CustomFields.Set(ctx, actor)
	if err != nil {
		return View{}, err
	}
	file, err := spreadsheet.Open(f.Content, f.Size, f.Options)
	if err != nil {
		return View{}, unreadable(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	i := &Import{FileName: f.Name, options: Options{MatchBy: "email_or_phone", OnDuplicate: onDuplicateUpdate, Tags: []string{}, Decimal: "auto"}}
	i.source = source{Format: file.Format, Encoding: file.Encoding, Delimiter: strings.Trim(string(file.Delimiter), "\x00"), Sheet: file.Sheet, Sheets: file.Sheets}
	for _, p := range u.Pipelines() {
		if len(p.Stages) > 0 && i.options.StageID == 0 {
			i.options.PipelineID, i.options.StageID = p.ID, p.Stages[0].ID
		}
	}
	// The key of a retry is used up with the last transaction, by which the import is there.
	alone := db.WithoutCompanion(ctx)
	if err := s.db.Write(alone, func(tx *db.Tx) error { return insert(tx, actor, i) }); err != nil {
		return View{}, fmt.Errorf("storing an import: %w", err)
	}
	r := &reception{service: s, actor: actor, of: i, header: f.Header}
	if err := r.read(alone, file); err != nil {
		return View{}, errors.Join(err, s.db.Write(context.WithoutCancel(alone), func(tx *db.Tx) error { return remove(tx, actor, i.ID) }))
	}
	suggested := suggest(r.headings, r.samples, fields)
	for n, h := range r.headings {
		column := heading{Header: h, Samples: []string{}, Suggested: suggested[n]}
		for _, c := range r.samples[n] {
			if c.Trimmed() != "" && len(column.Samples) < shown {
				column.Samples = append(column.Samples, beginning(c.Text))
			}
		}
		i.columns = append(i.columns, column)
	}
	i.mapping = suggested
	err = s.db.Write(ctx, func(tx *db.Tx) error { return complete(tx, actor, i) })
	return i.view(nil, nil), err
}

// unreadable is the refusal of a file that cannot be read.
func unreadable(err error) error {
	e, ok := errors.AsType[*spreadsheet.Error](err)
	if !ok {
		return fmt.Errorf("reading a file: %w", err)
	}
	var problems faults.Bag
	problems.Add("file", e.Error())
	return problems.Err()
}

// reception reads a file into parts.
type reception struct {
	service  *Service
	actor    authz.Actor
	of       *Import
	header   *bool
	begun    bool
	headings []string
	samples  [][]spreadsheet.Cell
	rows     []storedRow
	bytes    int
	part     int64
}

func (r *reception) read(ctx context.Context, file *spreadsheet.File) error {
	for row, err := range file.Rows() {
		if err != nil {
			return unreadable(err)
		}
		if row.Empty() {
			continue
		}
		if !r.begun {
			r.begun = true
			if (r.header == nil && isHeading(row)) || (r.header != nil && *r.header) {
				for _, c := range row.Cells {
					r.headings = append(r.headings, c.Trimmed())
				}
				continue
			}
		}
		if err := r.row(ctx, row); err != nil {
			return err
		}
	}
	for len(r.samples) < len(r.headings) {
		r.samples = append(r.samples, nil)
	}
	if r.of.Rows == 0 {
		return unreadable(&spreadsheet.Error{Reason: "the file has no rows of data"})
	}
	return r.flush(ctx)
}

func (r *reception) row(ctx context.Context, row spreadsheet.Row) error {
	for len(r.headings) < len(row.Cells) {
		r.headings = append(r.headings, "")
	}
	for len(r.samples) < len(r.headings) {
		r.samples = append(r.samples, nil)
	}
	for n, c := range row.Cells {
		if r.of.Rows < sampled {
			r.samples[n] = append(r.samples[n], c)
		}
		r.bytes += len(c.Text)
	}
	r.of.Rows++
	r.rows = append(r.rows, storedRow{row.Number, row.Cells})
	if len(r.rows) < partRows && r.bytes < partBytes {
		return nil
	}
	return r.flush(ctx)
}

func (r *reception) flush(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	r.part++
	err := r.service.db.Write(ctx, func(tx *db.Tx) error { return insertPart(tx, r.actor, r.of.ID, r.part, r.rows) })
	r.rows, r.bytes = nil, 0
	return err
}
