package leads

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// BatchOptions say how the rows of a [Batch] become leads.
type BatchOptions struct {
	// MatchBy is what an existing lead is found by, as in an upsert; "" finds none, so
	// that all rows without an id are created.
	MatchBy string
	// Skip leaves leads that exist as they are.
	Skip bool
	// EntryStage is where a lead is created whose row names no stage; 0: nowhere.
	EntryStage int64
	// AddTags are tags that each lead gets besides.
	AddTags []string
	// DryRun changes nothing and tells what would be done.
	DryRun bool
	// Planned are how many leads a dry run has already planned to create.
	Planned int64
}

// Batch creates and updates many leads in one transaction, by the rules of upserts.
// The leads that exist are found, and those that are new stored, together; all else,
// down to the events and the reactions to them, happens for each as in a request of
// its own. Of two rows of one contact the second updates what the first has made.
type Batch struct {
	BatchOptions
	service *Service
	actor   authz.Actor
	setup   setup
}

// Row is what one row of a batch says. A row whose form has problems changes nothing.
type Row struct {
	Number int64 // by which a dry run knows what it would create
	ID     int64 // of the lead; 0: it is looked for
	Form   *input.Form[UpsertFields]
	place  draft
	by     *matchedBy
}

// BatchOutcome is what became of a row.
type BatchOutcome string

// The outcomes of rows.
const (
	RowCreated   BatchOutcome = "created"
	RowUpdated   BatchOutcome = "updated"
	RowUnchanged BatchOutcome = "unchanged" // the lead had it all already
	RowSkipped   BatchOutcome = "skipped"   // the lead exists
	RowFailed    BatchOutcome = "failed"
)

// RowResult tells what became of a row.
type RowResult struct {
	Outcome  BatchOutcome
	LeadID   int64 // 0 where there is none
	Version  int64 // of the lead after a change
	Earlier  int64 // number of the row of a dry run that would have created the lead; 0: it exists
	Problems []faults.Problem
}

// Batch prepares a batch. It is used for one transaction's rows.
func (s *Service) Batch(ctx context.Context, actor authz.Actor, o BatchOptions) (*Batch, error) {
	u, err := s.setup(ctx, actor)
	return &Batch{BatchOptions: o, service: s, actor: actor, setup: u}, err
}

// Check looks up what a row refers to and adds what is wrong to its problems.
func (b *Batch) Check(r *Row) {
	f := &r.Form.Fields
	r.place = b.setup.lookUp(f.PipelineID, f.StageID, &f.Details, &r.Form.Problems)
}

// Keys are by what a row finds its lead, or is found by later ones.
func (b *Batch) Keys(r *Row) (email, phone string) {
	if b.MatchBy == "" || r.ID != 0 {
		return "", ""
	}
	k := b.keys(r)
	return k.email, k.phone
}

func (b *Batch) keys(r *Row) matchedBy {
	if r.by == nil {
		f := r.Form.Fields
		f.MatchBy = input.Of(b.MatchBy)
		k := matchKeys(&f, b.actor.PhoneRegion)
		r.by = &k
	}
	return *r.by
}

// Apply does the rows, in their order, and gives their results. earlier are the rows
// that a dry run would have done in former batches, by their keys.
func (b *Batch) Apply(tx *db.Tx, rows []*Row, earlier map[string]int64) ([]RowResult, error) {
	p := &batchRun{Batch: b, tx: tx, room: -1}
	if err := p.begin(rows, earlier); err != nil {
		return nil, err
	}
	results := make([]RowResult, len(rows))
	for i, r := range rows {
		var err error
		if results[i], err = p.row(r); err != nil {
			return nil, fmt.Errorf("row %d: %w", r.Number, err)
		}
	}
	return results, p.store()
}
