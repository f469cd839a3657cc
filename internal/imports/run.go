package imports

import (
	"context"
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/operations"
	"syncro/internal/spreadsheet"
)

// The kinds of operation.
const (
	checkKind  = "import_check"
	importKind = "import"
)

// parameters are those of both kinds.
type parameters struct {
	ImportID int64 `json:"import_id"`
}

func placeOf(o *operations.Operation) (at place) {
	_ = json.Unmarshal([]byte(o.Position), &at) // our own writing; at the start there is none
	return at
}

func (s *Service) kinds() []operations.Kind {
	next := func(dry bool) func(ctx context.Context, actor authz.Actor, op operations.Operation) (operations.Slice, error) {
		return func(ctx context.Context, actor authz.Actor, op operations.Operation) (operations.Slice, error) {
			return s.next(ctx, actor, op, dry)
		}
	}
	return []operations.Kind{{Name: checkKind, Next: next(true)}, {Name: importKind, Next: next(false)}}
}

// next prepares the next part of a dry run or an import.
func (s *Service) next(ctx context.Context, actor authz.Actor, op operations.Operation, dry bool) (operations.Slice, error) {
	var p parameters
	if err := json.Unmarshal(op.Parameters, &p); err != nil {
		return nil, fmt.Errorf("the parameters of an import: %w", err)
	}
	at := placeOf(&op)
	var i *Import
	var stored []storedRow
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		if i, err = find(q, actor, p.ImportID, ""); err != nil {
			return err
		}
		stored, err = part(q, actor, i.ID, at.Part+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return func(tx *db.Tx, run *operations.Run) error {
			n, err := int64(0), error(nil)
			if dry {
				n, err = removeKeys(tx, actor, op.ID)
			}
			if n < sweepKeys {
				run.Finish()
			}
			return err
		}, nil
	}
	options := leads.BatchOptions{
		MatchBy: i.options.MatchBy, Skip: i.options.OnDuplicate == onDuplicateSkip, EntryStage: i.options.StageID, AddTags: i.options.Tags, DryRun: dry, Planned: at.Created,
	}
	if i.options.OnDuplicate == onDuplicateCreate {
		options.MatchBy = ""
	}
	batch, err := s.Leads.Batch(ctx, actor, options)
	if err != nil {
		return nil, err
	}
	convert, err := s.converter(ctx, actor, i)
	if err != nil {
		return nil, err
	}
	w := &work{account: actor, of: i, operation: op.ID, batch: batch, convert: convert, stored: stored, at: at, dry: dry}
	for _, row := range stored {
		r := convert.row(spreadsheet.Row{Number: row.Number, Cells: row.Cells})
		batch.Check(r)
		w.rows = append(w.rows, r)
	}
	return w.slice, nil
}

// work is one part of an import under way.
type work struct {
	account   authz.Actor
	of        *Import
	operation int64
	batch     *leads.Batch
	convert   *converter
	stored    []storedRow
	rows      []*leads.Row
	at        place
	dry       bool
}

// slice does the part in a transaction.
func (w *work) slice(tx *db.Tx, run *operations.Run) error {
	var earlier map[string]int64
	var err error
	if w.dry {
		if earlier, err = w.earlier(tx); err != nil {
			return err
		}
	}
	results, err := w.batch.Apply(tx, w.rows, earlier)
	if err != nil {
		return err
	}
	at := w.at
	at.Part++
	var findings []finding
	for n, r := range w.rows {
		result := results[n]
		findings = append(findings, w.findings(n, result)...)
		if result.Outcome != leads.RowFailed && (result.Earlier != 0 || (result.Outcome != leads.RowCreated)) {
			at.Twice++
		}
		switch result.Outcome {
		case leads.RowCreated:
			at.Created++
		case leads.RowUpdated:
			at.Updated++
		case leads.RowUnchanged:
			at.Unchanged++
		case leads.RowSkipped:
			at.Skipped++
		}
		if err := w.note(tx, run, r, result); err != nil {
			return err
		}
	}
	run.Position = jsonOf(at)
	return record(tx, w.account, w.of.ID, w.operation, findings)
}

// earlier are the rows of former parts that have the keys of this one's.
func (w *work) earlier(tx *db.Tx) (map[string]int64, error) {
	var keys []string
	for _, r := range w.rows {
		email, phone := w.batch.Keys(r)
		for _, key := range []string{email, phone} {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	return knownKeys(tx, w.account, w.operation, keys)
}

// note counts a row, and remembers of a dry run's what later rows are to know, of an
// import's what an undo is.
func (w *work) note(tx *db.Tx, run *operations.Run, r *leads.Row, result leads.RowResult) error {
	if !w.dry {
		item := operations.Item{Number: r.Number, LeadID: result.LeadID, Version: result.Version}
		switch result.Outcome {
		case leads.RowCreated:
			item.Outcome = operations.Created
		case leads.RowUpdated:
			item.Outcome = operations.Updated
		case leads.RowFailed:
			item.Outcome = operations.Failure
			if len(result.Problems) > 0 {
				item.Message = result.Problems[0].Message
			}
		default:
			item.Outcome, item.Version = operations.Unchanged, 0
		}
		run.Note(item)
		return nil
	}
	run.Done++
	switch result.Outcome {
	case leads.RowFailed:
		run.Failed++
		return nil
	case leads.RowCreated, leads.RowUpdated:
		run.Changed++
	default:
		return nil
	}
	email, phone := w.batch.Keys(r)
	for _, key := range []string{email, phone} {
		if key == "" {
			continue
		}
		if err := noteKey(tx, w.account, w.operation, key, r.Number); err != nil {
			return err
		}
	}
	return nil
}

// findings are what a row's list of problems has of it.
func (w *work) findings(n int, result leads.RowResult) (found []finding) {
	row := w.rows[n].Number
	for _, p := range result.Problems {
		f := finding{row: row, kind: kindProblem, field: p.Field, message: p.Message, column: w.convert.columnOf(p.Field), lead: result.LeadID, earlier: result.Earlier}
		if p.Field == "" {
			f.column = 0
		}
		if cells := w.stored[n].Cells; f.column > 0 && f.column <= len(cells) {
			f.value = beginning(cells[f.column-1].Text)
		}
		found = append(found, f)
	}
	words := map[leads.BatchOutcome]string{leads.RowUpdated: "será atualizado", leads.RowSkipped: "a linha será ignorada"}
	if !w.dry {
		words = map[leads.BatchOutcome]string{leads.RowSkipped: "a linha foi ignorada"}
	}
	if what, ok := words[result.Outcome]; ok {
		f := finding{row: row, kind: kindDuplicate, lead: result.LeadID, earlier: result.Earlier, message: fmt.Sprintf("O lead %d já existe: %s.", result.LeadID, what)}
		if result.Earlier != 0 {
			f.message = fmt.Sprintf("O mesmo contato está na linha %d: %s.", result.Earlier, what)
		}
		found = append(found, f)
	}
	return found
}

// beginning is as much of a cell as a list of problems shows.
func beginning(text string) string {
	const most = 100
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// conflict is the refusal of what an import's state does not allow.
func conflict(message string) error { return faults.New(faults.Conflict, message) }
