package leads

import (
	"cmp"
	"errors"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/phones"
	"syncro/internal/pipelines"
)

// batchRun is a batch under way in a transaction.
type batchRun struct {
	*Batch
	tx      *db.Tx
	byEmail map[string][]*Lead // the most recently updated first
	byPhone map[string][]*Lead
	byID    map[int64]*Lead
	ids     []int64 // for leads that are created
	room    int64   // how many more the plan allows; -1: any number
	pending []newcomer
}

// newcomer is a created lead that is not stored yet.
type newcomer struct {
	lead  *Lead
	stage pipelines.Stage
}

// begin locks and reads what the rows may change.
func (p *batchRun) begin(rows []*Row, earlier map[string]int64) error {
	var locks, emails, phoneKeys []string
	var ids []int64
	for _, r := range rows {
		if r.ID != 0 {
			ids = append(ids, r.ID)
			continue
		}
		if p.MatchBy == "" {
			continue
		}
		k := p.keys(r)
		locks = append(locks, k.locks(p.actor)...)
		if k.email != "" {
			emails = append(emails, k.email)
		}
		if k.phone != "" {
			phoneKeys = append(phoneKeys, k.phone)
		}
	}
	slices.Sort(locks)
	if !p.DryRun {
		if err := p.tx.LockKeys(slices.Compact(locks)...); err != nil {
			return err
		}
	}
	if err := p.read(emails, phoneKeys, ids); err != nil {
		return err
	}
	for key, number := range earlier {
		would := &Lead{ID: -number}
		p.byEmail[key], p.byPhone[key] = append(p.byEmail[key], would), append(p.byPhone[key], would)
	}
	if p.actor.MaxLeads > 0 {
		if err := checkLimit(p.tx, p.actor); err != nil && !faults.Is(err, faults.Refused) { // it holds the account
			return err
		}
		n, err := countListed(p.tx, p.actor.AccountID)
		if err != nil {
			return err
		}
		p.room = max(p.actor.MaxLeads-n-p.Planned, 0)
	}
	if p.DryRun {
		return nil
	}
	unknown := 0
	for _, r := range rows {
		if r.Form.Problems.Empty() && p.find(r) == nil {
			unknown++
		}
	}
	var err error
	p.ids, err = db.ReserveIDs(p.tx, "leads", unknown)
	return err
}

// read reads and locks the listed leads with the keys and the ids.
func (p *batchRun) read(emails, phoneKeys []string, ids []int64) error {
	p.byEmail, p.byPhone, p.byID = map[string][]*Lead{}, map[string][]*Lead{}, map[int64]*Lead{}
	lockRows := ""
	if !p.DryRun {
		lockRows = " FOR UPDATE"
	}
	collect := func(rows *db.Rows) error {
		for rows.Next() {
			l := &Lead{}
			if rows.Scan(l.all()...); p.byID[l.ID] == nil {
				p.byID[l.ID] = l
			}
		}
		return rows.Err()
	}
	// Without an order: by one, SQLite would walk over all leads. Two batches that want
	// the same leads have waited for each other's keys already.
	const from = `SELECT ` + allColumns + ` FROM leads WHERE account_id = $1 AND ` + listed
	if len(emails) > 0 {
		if err := collect(p.tx.Query(from+` AND email_key = ANY($2)`+lockRows, p.actor.AccountID, emails)); err != nil {
			return err
		}
	}
	if len(phoneKeys) > 0 {
		if err := collect(p.tx.Query(from+` AND phone_key = ANY($2)`+lockRows, p.actor.AccountID, phoneKeys)); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		if err := collect(p.tx.Query(from+` AND id = ANY($2)`+lockRows, p.actor.AccountID, ids)); err != nil {
			return err
		}
	}
	all := make([]*Lead, 0, len(p.byID))
	for _, l := range p.byID {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *Lead) int { return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID)) })
	for _, l := range all {
		p.keep(l)
	}
	return nil
}

// keep makes a lead the first one that is found by its keys: it is the one that was
// updated last.
func (p *batchRun) keep(l *Lead) {
	if key := emailKey(l.Email); key != "" {
		p.byEmail[key] = append([]*Lead{l}, p.byEmail[key]...)
	}
	if key := phones.Key(l.Phone); key != "" {
		p.byPhone[key] = append([]*Lead{l}, p.byPhone[key]...)
	}
	if l.ID > 0 {
		p.byID[l.ID] = l
	}
}

// forget takes a lead out, to be kept as it is now.
func (p *batchRun) forget(l *Lead) {
	same := func(other *Lead) bool { return other.ID == l.ID }
	email, phone := emailKey(l.Email), phones.Key(l.Phone)
	p.byEmail[email] = slices.DeleteFunc(p.byEmail[email], same)
	p.byPhone[phone] = slices.DeleteFunc(p.byPhone[phone], same)
}

// find is the lead that a row means, nil when there is none.
func (p *batchRun) find(r *Row) *Lead {
	if r.ID != 0 {
		return p.byID[r.ID]
	}
	if p.MatchBy == "" {
		return nil
	}
	k := p.keys(r)
	if found := p.byEmail[k.email]; k.email != "" && len(found) > 0 {
		return found[0]
	}
	if found := p.byPhone[k.phone]; k.phone != "" && len(found) > 0 {
		return found[0]
	}
	return nil
}

// row does one row.
func (p *batchRun) row(r *Row) (RowResult, error) {
	existing := p.find(r)
	problems := r.Form.Problems.Clone()
	if r.ID != 0 && existing == nil {
		problems.Selected("id")
	}
	f := &r.Form.Fields
	if f.PipelineID.Given() != f.StageID.Given() && !problems.Has("stage_id") && !problems.Has("pipeline_id") {
		problems.Required(map[bool]string{true: "stage_id", false: "pipeline_id"}[f.PipelineID.Given()])
	}
	entry := r.place
	if existing == nil && r.ID == 0 {
		if !entry.hasStage && !problems.Has("stage_id") && !problems.Has("pipeline_id") {
			if entry.stage, entry.hasStage = p.setup.board.Stage(p.EntryStage); !entry.hasStage {
				problems.Required("stage_id")
			}
		}
		if !f.Name.Given() && !problems.Has("name") {
			problems.Required("name")
		}
	}
	if !problems.Empty() {
		return RowResult{Outcome: RowFailed, Problems: problems.Problems()}, nil
	}
	if existing == nil {
		return p.create(r, entry)
	}
	result := RowResult{LeadID: max(existing.ID, 0), Earlier: max(-existing.ID, 0)}
	if p.Skip {
		result.Outcome = RowSkipped
		return result, nil
	}
	return p.update(r, existing, result)
}

func failedRow(result RowResult, message string) RowResult {
	result.Outcome, result.Problems = RowFailed, []faults.Problem{{Message: message}}
	return result
}

// create makes a new lead, to be stored by store.
func (p *batchRun) create(r *Row, entry draft) (RowResult, error) {
	if p.room == 0 {
		return failedRow(RowResult{}, limitReached().Error()), nil
	}
	p.room = max(p.room-1, -1)
	now := p.tx.Now()
	l := &Lead{ID: -r.Number, Name: r.Form.Fields.Name.Value, Tags: "[]", CustomValues: "{}", CreatedBy: p.actor.PerformedBy(), Version: 1, CreatedAt: now, UpdatedAt: now}
	r.Form.Fields.apply(l, &p.setup, false)
	l.setTags(withTags(l.TagNames(), p.AddTags))
	l.enter(entry.stage, now)
	if !p.DryRun {
		if len(p.ids) == 0 { // a row before it has taken its email or phone from the lead that it had
			var err error
			if p.ids, err = db.ReserveIDs(p.tx, "leads", 1); err != nil {
				return RowResult{}, err
			}
		}
		l.ID, p.ids = p.ids[0], p.ids[1:]
		p.pending = append(p.pending, newcomer{l, entry.stage})
	}
	p.keep(l)
	return RowResult{Outcome: RowCreated, LeadID: max(l.ID, 0), Version: 1}, nil
}

// update writes a row into the lead it found, as an upsert does.
func (p *batchRun) update(r *Row, existing *Lead, result RowResult) (RowResult, error) {
	f := &r.Form.Fields
	before, after := *existing, *existing
	if f.Name.Given() {
		after.Name = f.Name.Value
	}
	f.apply(&after, &p.setup, true)
	after.setTags(withTags(after.TagNames(), p.AddTags))
	if p.DryRun {
		if r.place.hasStage && r.place.stage.ID != before.StageID && existing.ID > 0 {
			if err := testBlocks(p.tx, p.actor, &before, blockedMove); faults.Is(err, faults.Refused) {
				return failedRow(result, err.Error()), nil
			} else if err != nil {
				return result, err
			}
			after.enter(r.place.stage, p.tx.Now())
		}
		if result.Outcome = RowUpdated; len(differences(&before, &after)) == 0 && existing.ID > 0 {
			result.Outcome = RowUnchanged
		}
		p.replace(existing, &after)
		return result, nil
	}
	if slices.ContainsFunc(p.pending, func(n newcomer) bool { return n.lead == existing }) {
		if err := p.store(); err != nil {
			return result, err
		}
	}
	err := p.service.edit(p.tx, p.actor, &p.setup, r.place, &before, &after)
	if refusal, ok := errors.AsType[*faults.Error](err); ok && refusal.Kind == faults.Refused {
		return failedRow(result, refusal.Message), nil // by the mandatory tasks, before anything was written
	}
	if err != nil {
		return result, err
	}
	result.Outcome, result.Version = RowUpdated, after.Version
	if after.Version == before.Version {
		result.Outcome = RowUnchanged
	}
	p.replace(existing, &after)
	return result, nil
}

// replace makes an updated lead the one that later rows find.
func (p *batchRun) replace(existing, after *Lead) {
	p.forget(existing)
	*existing = *after
	p.keep(existing)
}

// store stores the leads that were created, with all that a creation entails.
func (p *batchRun) store() error {
	if len(p.pending) == 0 {
		return nil
	}
	created := make([]*Lead, len(p.pending))
	counts := tally{}
	for i, n := range p.pending {
		created[i] = n.lead
		counts.add(placeOf(n.lead), 1)
	}
	if err := insertMany(p.tx, p.actor, created); err != nil {
		return err
	}
	if err := counts.write(p.tx, p.actor); err != nil {
		return err
	}
	if err := loadTags(p.tx, p.actor.AccountID, created); err != nil {
		return err
	}
	for _, n := range p.pending {
		if err := p.service.queueForSearch(p.tx, p.actor, n.lead.ID); err != nil {
			return err
		}
		if err := p.service.begin(p.tx, p.actor, &p.setup, n.lead, n.stage); err != nil {
			return err
		}
	}
	p.pending = nil
	return nil
}

// insertMany stores new leads that have their ids.
func insertMany(tx *db.Tx, actor authz.Actor, leads []*Lead) error {
	row := func(l *Lead) []any {
		return append(append([]any{actor.AccountID, l.CreatedBy}, l.stored()...), l.CreatedAt, l.ID)
	}
	if tx.Engine() == db.Postgres {
		_, err := tx.Load("leads", loadedColumns[:len(loadedColumns)-3], func(yield func([]any) bool) {
			for _, l := range leads {
				if !yield(row(l)) {
					return
				}
			}
		})
		return err
	}
	for _, l := range leads {
		if err := tx.Queue(insertOwnSQL, row(l)...); err != nil {
			return err
		}
	}
	return nil
}
