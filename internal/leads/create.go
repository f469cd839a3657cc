package leads

import (
	"context"
	"fmt"
	"slices"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/phones"
	"syncro/internal/pipelines"
	"syncro/internal/timeline"
)

// Create makes a lead (POST /leads). The plan's limit is tested before the body,
// and again with the account held (companion-api.md section 1).
func (s *Service) Create(ctx context.Context, actor authz.Actor, form *input.Form[CreateFields]) (LeadAnswer, error) {
	if actor.MaxLeads > 0 {
		if err := s.db.Read(ctx, func(q db.Querier) error { return checkLimit(q, actor) }); err != nil {
			return LeadAnswer{}, err
		}
	}
	f := &form.Fields
	d, u, err := s.lookUp(ctx, actor, f.PipelineID, f.StageID, &f.Details, &form.Problems)
	if err != nil {
		return LeadAnswer{}, err
	}
	if err := form.Err(); err != nil {
		return LeadAnswer{}, err
	}
	var l *Lead
	err = s.write(ctx, actor, &u, func(tx *db.Tx) (err error) {
		l, err = s.create(tx, actor, &u, d, f.Name.Value, &f.Details)
		return err
	})
	return s.shown(&u, l), err
}

// create makes a lead in its stage, with all that an entry entails.
func (s *Service) create(tx *db.Tx, actor authz.Actor, u *setup, d draft, name string, details *Details) (*Lead, error) {
	if err := checkLimit(tx, actor); err != nil {
		return nil, err
	}
	now := tx.Now()
	l := &Lead{Name: name, Tags: "[]", CustomValues: "{}", CreatedBy: actor.PerformedBy(), Version: 1, CreatedAt: now, UpdatedAt: now}
	details.apply(l, u, false)
	l.enter(d.stage, now)
	if err := holdOwner(tx, actor, nil, l); err != nil {
		return nil, err
	}
	if err := insert(tx, actor, l); err != nil {
		return nil, fmt.Errorf("inserting a lead: %w", err)
	}
	if err := s.reindex(tx, actor, nil, l); err != nil {
		return nil, err
	}
	return l, s.begin(tx, actor, u, l, d.stage)
}

// begin does what the creation of a lead entails besides its row and its indexes.
func (s *Service) begin(tx *db.Tx, actor authz.Actor, u *setup, l *Lead, stage pipelines.Stage) error {
	m := &move{after: l, to: stage}
	m.note(timeline.Created, "Lead criado.")
	if err := s.record(tx, actor, m); err != nil {
		return err
	}
	if err := s.tell(tx, actor, u, nil, l, nil, m.happened); err != nil {
		return err
	}
	return s.demand(tx, actor, m)
}

// What an upsert finds an existing lead by.
const (
	byEmail        = "email"
	byPhone        = "phone"
	byEmailOrPhone = "email_or_phone"
)

// Upsert updates the lead that has the sent email or phone, or creates it
// (POST /leads/upsert). Several matches: the most recently updated one. Of two
// simultaneous upserts of one new contact, the second updates what the first made.
func (s *Service) Upsert(ctx context.Context, actor authz.Actor, form *input.Form[UpsertFields]) (UpsertAnswer, error) {
	w, done, err := s.one(ctx, actor, func(w *Writer) (Write, error) { return w.Upsert(ctx, form) })
	if err != nil {
		return UpsertAnswer{}, err
	}
	return UpsertAnswer{Created: done.Created, lead: s.shown(&w.setup, done.Lead)}, nil
}

// Upsert prepares [Service.Upsert].
func (w *Writer) Upsert(ctx context.Context, form *input.Form[UpsertFields]) (Write, error) {
	s, actor, f := w.service, w.actor, &form.Fields
	form.Problems = requireUpsertFields(f, form.Problems)
	d, err := w.lookUp(ctx, f.PipelineID, f.StageID, &f.Details, &form.Problems)
	if err != nil {
		return Write{}, err
	}
	if err := form.Malformed(); err != nil {
		return Write{}, err
	}
	keys := matchKeys(f, actor.PhoneRegion)
	if err := form.Err(); err != nil && keys == (matchedBy{}) {
		return Write{}, err // nothing can be looked for, so nothing is known to be missing for a creation
	}
	return Write{Locks: keys.locks(actor), Run: func(tx *db.Tx) (Written, error) {
		existing, err := match(tx, actor, keys)
		switch {
		case err != nil:
			return Written{}, err
		case existing != nil:
			if err := form.Err(); err != nil {
				return Written{}, err
			}
			return Written{Lead: existing}, s.merge(tx, actor, &w.setup, d, existing, f)
		default:
			if err := requireCreation(form); err != nil {
				return Written{}, err
			}
			l, err := s.create(tx, actor, &w.setup, d, f.Name.Value, &f.Details)
			return Written{Lead: l, Created: true}, err
		}
	}}, nil
}

// requireUpsertFields adds what is missing whether or not the lead exists: the
// field that is matched by, and the other half of pipeline and stage.
func requireUpsertFields(f *UpsertFields, problems faults.Bag) faults.Bag {
	require := func(field string, given bool) {
		if !given && !problems.Has(field) {
			problems.Required(field)
		}
	}
	switch {
	case f.MatchBy.Value == byEmail:
		require("email", f.Email.Given())
	case f.MatchBy.Value == byPhone:
		require("phone", f.Phone.Given())
	case !f.Email.Given() && !f.Phone.Given() && !problems.Has("email") && !problems.Has("phone"):
		problems.Add("phone", "The phone field is required when email is not present.")
		problems.Add("email", "The email field is required when phone is not present.")
	}
	if f.PipelineID.Given() {
		require("stage_id", f.StageID.Given())
	}
	if f.StageID.Given() {
		require("pipeline_id", f.PipelineID.Given())
	}
	return problems
}

// requireCreation is the form's refusal when the lead is to be created, which
// needs a name and a stage. The form itself stays as it is.
func requireCreation(form *input.Form[UpsertFields]) error {
	complete := *form
	complete.Problems = form.Problems.Clone()
	f := &form.Fields
	for _, required := range []struct {
		field string
		given bool
	}{{"name", f.Name.Given()}, {"pipeline_id", f.PipelineID.Given()}, {"stage_id", f.StageID.Given()}} {
		if !required.given && !complete.Problems.Has(required.field) {
			complete.Problems.Required(required.field)
		}
	}
	return complete.Err()
}

// matchedBy is what an upsert looks for, in this order; "" is not looked for.
type matchedBy struct{ email, phone string }

func matchKeys(f *UpsertFields, phoneRegion string) (k matchedBy) {
	if f.MatchBy.Value != byPhone && f.Email.Given() {
		k.email = emailKey(f.Email.Value)
	}
	if f.MatchBy.Value != byEmail && f.Phone.Given() {
		k.phone = phones.Key(phones.NormalizeIn(f.Phone.Value, phoneRegion))
	}
	return k
}

// locks are the names under which simultaneous upserts of one contact wait for
// each other, in sorted order.
func (k matchedBy) locks(actor authz.Actor) []string {
	var names []string
	if k.email != "" {
		names = append(names, fmt.Sprintf("lead:%d:email:%s", actor.AccountID, k.email))
	}
	if k.phone != "" {
		names = append(names, fmt.Sprintf("lead:%d:phone:%s", actor.AccountID, k.phone))
	}
	slices.Sort(names)
	return names
}

// matchOrder is the order of what an upsert finds. It is written so that SQLite, which
// knows nothing of the contents of the table, does not walk the index of updated_at
// instead of looking the key up.
const matchOrder = ` ORDER BY COALESCE(updated_at, updated_at) DESC, id DESC LIMIT 1`

// match finds and locks the listed lead with one of the keys; nil when there is
// none, which is not a failure here.
func match(tx *db.Tx, actor authz.Actor, k matchedBy) (*Lead, error) {
	for _, by := range []struct{ column, key string }{{"email_key", k.email}, {"phone_key", k.phone}} {
		if by.key == "" {
			continue
		}
		l, err := get(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND `+by.column+` = $2 AND `+listed+matchOrder+` FOR UPDATE`, actor.AccountID, by.key))
		if err == nil {
			return l, nil
		}
		if !faults.Is(err, faults.NotFound) {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // see the comment
}

// merge writes what an upsert sent into the lead it found: what is empty changes
// nothing, a stage moves it by the rules of a move.
func (s *Service) merge(tx *db.Tx, actor authz.Actor, u *setup, d draft, l *Lead, f *UpsertFields) error {
	before := *l
	if f.Name.Given() {
		l.Name = f.Name.Value
	}
	f.apply(l, u, true)
	return s.edit(tx, actor, u, d, &before, l)
}

// edit stores an edited lead, which also moves when the draft says so.
func (s *Service) edit(tx *db.Tx, actor authz.Actor, u *setup, d draft, before, after *Lead) error {
	if err := holdOwner(tx, actor, before, after); err != nil {
		return err
	}
	m := move{before: before, after: after, to: d.stage}
	moves := d.hasStage && d.stage.ID != before.StageID
	if moves {
		if err := testBlocks(tx, actor, before, blockedMove); err != nil {
			return err
		}
		if err := s.place(tx, actor, u, &m); err != nil {
			return err
		}
	}
	if err := s.change(tx, actor, u, before, after, append(m.happened, u.editEvents(before, after)...)...); err != nil || !moves {
		return err
	}
	return s.demand(tx, actor, &m)
}
