package leads

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/money"
	"syncro/internal/spreadsheet"
)

// How an export walks over the leads: their ids are found many at a time, since a
// search costs as much for few as for many, and the leads are read and written some
// at a time. What is held is bounded by these, however many leads there are.
const (
	exportIDs   = 50_000
	exportLeads = 500
)

// The formats of an export.
const (
	exportCSV   = "csv"
	exportXLSX  = "xlsx"
	exportLines = "jsonl"
)

// Export gives all leads that meet the criteria, in the order of their ids, as a
// file (GET /leads/export). A lead that changes while the file is sent is in it at
// most once.
func (s *Service) Export(ctx context.Context, actor authz.Actor, f *ExportQuery) *api.Stream {
	format := f.Format.Value
	types := map[string]string{exportCSV: csvType + "; charset=utf-8", exportXLSX: xlsxType, exportLines: linesType}
	return &api.Stream{
		ContentType: types[format], FileName: "leads." + format,
		Write: func(w io.Writer) error {
			_, err := s.WriteExport(ctx, actor, f, w, nil)
			return err
		},
	}
}

// The content types of exports.
const (
	csvType   = "text/csv"
	xlsxType  = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	linesType = "application/jsonl"
)

// WriteExport writes an export and gives the number of leads. progress, unless it is
// nil, hears how many have been written so far.
func (s *Service) WriteExport(ctx context.Context, actor authz.Actor, f *ExportQuery, w io.Writer, progress func(written int64)) (written int64, err error) {
	u, err := s.renewed(ctx, actor)
	if err != nil {
		return 0, err
	}
	out, err := newExporter(f, &u, w)
	if err != nil {
		return 0, err
	}
	for next, more := int64(0), true; more; more = next != 0 {
		var ids []int64
		if ids, next, err = s.exported(ctx, actor, &f.Criteria, &u, next); err != nil {
			return written, err
		}
		for len(ids) > 0 {
			n := min(len(ids), exportLeads)
			leads, err := s.withIDs(ctx, actor, ids[:n])
			if err != nil {
				return written, err
			}
			ids = ids[n:]
			if u, err = s.upToDate(ctx, actor, u, leads); err != nil {
				return written, err
			}
			for _, l := range leads {
				if err := out.lead(&u, l); err != nil {
					return written, fmt.Errorf("writing an export: %w", err)
				}
			}
			if err := out.flush(); err != nil {
				return written, fmt.Errorf("writing an export: %w", err)
			}
			if written += int64(len(leads)); progress != nil {
				progress(written)
			}
		}
	}
	if err := out.close(); err != nil {
		return written, fmt.Errorf("writing an export: %w", err)
	}
	return written, nil
}

// exported are the next ids of an export, and the id from behind which it goes on; 0
// when nothing is left.
func (s *Service) exported(ctx context.Context, actor authz.Actor, f *Criteria, u *setup, after int64) (ids []int64, next int64, err error) {
	selected := f.selection(actor, s.db.Engine(), u.board)
	if selected.none {
		return nil, 0, nil
	}
	err = s.db.Read(ctx, func(q db.Querier) error {
		if err := selected.resolveMergedTags(q, actor); err != nil {
			return err
		}
		candidates := []int64(nil)
		if s.db.Engine() == db.SQLite && (len(selected.tags) > 0 || selected.term != nil) {
			set, err := selected.set(q, actor, &s.searches)
			if err != nil {
				return err
			}
			if candidates = set.after(after, exportIDs); selected.alone {
				ids = candidates
				return nil
			}
			selected.and("id = ANY(", candidates)
			selected.where[len(selected.where)-1] += ")"
		}
		selected.and("id > ", after)
		ids, err = db.Column[int64](q.Query(`SELECT id FROM leads WHERE account_id = $1 AND `+selected.sql()+` ORDER BY id LIMIT `+selected.arg(int64(exportIDs)), selected.args...))
		if len(candidates) == exportIDs {
			next = candidates[exportIDs-1]
		}
		return err
	})
	if len(ids) == exportIDs {
		next = ids[exportIDs-1]
	}
	return ids, next, err
}

func (s *Service) withIDs(ctx context.Context, actor authz.Actor, ids []int64) (leads []*Lead, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		leads = nil
		rows := q.Query(`SELECT `+shownColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NULL ORDER BY id`, actor.AccountID, ids)
		for rows.Next() {
			l := &Lead{}
			rows.Scan(l.shown()...)
			leads = append(leads, l)
		}
		return rows.Err()
	})
	return leads, err
}

// upToDate is the setup that knows what the leads refer to.
func (s *Service) upToDate(ctx context.Context, actor authz.Actor, u setup, leads []*Lead) (setup, error) {
	for _, l := range leads {
		if u.knows(l) {
			continue
		}
		fresh, err := s.renewed(ctx, actor)
		if err == nil && !fresh.knows(l) {
			err = errOutdated
		}
		fields := u.fields // the columns stay what they were
		u, u.fields = fresh, fields
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

// exporter writes leads in one of the formats.
type exporter struct {
	lines  io.Writer // of JSON; nil for a table
	line   []byte
	table  spreadsheet.Writer
	cells  []spreadsheet.Cell
	fields []customfields.Field
}

// ExportColumns are the headings of the columns that every exported table has;
// those of the custom fields, custom_fields.NAME, follow. An import knows them.
var ExportColumns = []string{
	"id", "name", "phone", "email", "company", "birthday", "value", "source", "tags", "pipeline", "stage", "assigned_to", "notes",
	"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "status", "score", "pipeline_id", "stage_id", "created_at", "updated_at",
}

// CustomFieldColumn is what the headings of custom fields begin with.
const CustomFieldColumn = "custom_fields."

func newExporter(f *ExportQuery, u *setup, w io.Writer) (e *exporter, err error) {
	e = &exporter{}
	switch f.Format.Value {
	case exportLines:
		e.lines = w
		return e, nil
	case exportXLSX:
		e.table, err = spreadsheet.NewXLSX(w, "Leads")
	default:
		delimiter := byte(',')
		if f.Delimiter.Value == "semicolon" {
			delimiter = ';'
		}
		e.table, err = spreadsheet.NewCSV(w, delimiter)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range ExportColumns {
		e.add(spreadsheet.Text, name)
	}
	for _, field := range u.fields.Fields() {
		if field.Active {
			e.fields = append(e.fields, field)
			e.add(spreadsheet.Text, CustomFieldColumn+field.Name)
		}
	}
	return e, e.table.Row(e.cells)
}

func (e *exporter) add(kind spreadsheet.Kind, text string) {
	e.cells = append(e.cells, spreadsheet.Cell{Kind: kind, Text: text})
}

func (e *exporter) flush() error {
	if e.table == nil {
		return nil
	}
	return e.table.Flush()
}

func (e *exporter) close() error {
	if e.table == nil {
		return nil
	}
	return e.table.Close()
}

// lead writes a lead, whose stage and owner the setup knows.
func (e *exporter) lead(u *setup, l *Lead) error {
	if e.lines != nil {
		r := renderer{setup: *u}
		e.line = append(r.owner(r.lead(e.line[:0], l), l), "}\n"...)
		_, err := e.lines.Write(e.line)
		return err
	}
	stage, _ := u.board.Stage(l.StageID)
	pipeline, _ := u.board.Pipeline(l.PipelineID)
	e.cells = e.cells[:0]
	number := func(n int64) { e.add(spreadsheet.Number, fmt.Sprint(n)) }
	texts := func(texts ...string) {
		for _, text := range texts {
			e.add(spreadsheet.Text, text)
		}
	}
	number(l.ID)
	texts(l.Name, l.Phone, l.Email, l.Company)
	e.add(spreadsheet.Day, l.Birthday)
	if l.ValueCents == nil {
		texts("")
	} else {
		e.add(spreadsheet.Number, string(money.Cents(*l.ValueCents).AppendJSON(nil)))
	}
	texts(l.Source, spreadsheet.JoinList(l.TagNames()), pipeline.Name, stage.Name)
	if l.AssignedTo == nil {
		texts("")
	} else {
		owner, _ := u.users.ByID(*l.AssignedTo)
		texts(owner.Email)
	}
	texts(l.Notes)
	texts(l.UTM[:]...)
	texts(string(l.Status()))
	number(l.Score)
	number(l.PipelineID)
	number(l.StageID)
	e.add(spreadsheet.Moment, l.CreatedAt.UTC().Format(time.RFC3339))
	e.add(spreadsheet.Moment, l.UpdatedAt.UTC().Format(time.RFC3339))
	e.customValues(u, l)
	return e.table.Row(e.cells)
}

func (e *exporter) customValues(u *setup, l *Lead) {
	if len(e.fields) == 0 {
		return
	}
	values := map[string]json.RawMessage{}
	_ = json.Unmarshal(u.fields.AppendJSON(nil, l.CustomValues), &values) // our own writing
	for _, field := range e.fields {
		kind, text := spreadsheet.Text, ""
		raw := values[field.Name]
		switch field.Type {
		case customfields.Number, customfields.Currency:
			kind, text = spreadsheet.Number, string(raw)
		case customfields.Checkbox:
			text = string(raw)
		case customfields.Multiselect:
			var list []string
			_ = json.Unmarshal(raw, &list) // what has no value has no elements
			text = spreadsheet.JoinList(list)
		case customfields.Date:
			kind = spreadsheet.Day
			_ = json.Unmarshal(raw, &text) // what has no value is ""
		default:
			_ = json.Unmarshal(raw, &text) // what has no value is ""
		}
		e.add(kind, text)
	}
}
