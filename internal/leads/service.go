package leads

import (
	"context"
	"errors"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/phones"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
)

// Service is what can be done with leads.
type Service struct {
	db           *db.DB
	accounts     *accounts.Service
	pipelines    *pipelines.Service
	customFields *customfields.Service
	tasks        *tasks.Service
	log          *events.Log
	includes     []Include
	relations    []Relation
	unindexed    chan struct{} // wakes the search indexer
	searches     searches
}

// New makes the service. includes are the relations that features above this one
// add to a lead.
func New(d *db.DB, log *events.Log, a *accounts.Service, p *pipelines.Service, c *customfields.Service, t *tasks.Service, includes ...Include) *Service {
	return &Service{
		db: d, log: log, accounts: a, pipelines: p, customFields: c, tasks: t,
		includes: append(ownIncludes(), includes...), relations: ownRelations(), unindexed: make(chan struct{}, 1),
	}
}

// setup is what a lead refers to: a snapshot of the account's boards, custom
// fields and users.
type setup struct {
	board  *pipelines.Board
	fields *customfields.Set
	users  *accounts.Users
	// phoneRegion is the country of phones without a country code.
	phoneRegion string
}

func (s *Service) setup(ctx context.Context, actor authz.Actor) (u setup, err error) {
	u.phoneRegion = actor.PhoneRegion
	if u.board, err = s.pipelines.Board(ctx, actor); err != nil {
		return u, err
	}
	if u.fields, err = s.customFields.Set(ctx, actor); err != nil {
		return u, err
	}
	u.users, err = s.accounts.Users(ctx, actor)
	return u, err
}

// renewed is the setup as the database has it now. A look-up that fails asks it
// before it refuses: the snapshot may be half a second old.
func (s *Service) renewed(ctx context.Context, actor authz.Actor) (u setup, err error) {
	u.phoneRegion = actor.PhoneRegion
	if u.board, err = s.pipelines.Reload(ctx, actor); err != nil {
		return u, err
	}
	if u.fields, err = s.customFields.Reload(ctx, actor); err != nil {
		return u, err
	}
	u.users, err = s.accounts.ReloadUsers(ctx, actor)
	return u, err
}

// knows tells whether the snapshot has what the lead refers to, so that the lead
// can be shown with it.
func (u *setup) knows(l *Lead) bool {
	_, stage := u.board.Stage(l.StageID)
	owner := l.AssignedTo == nil
	if !owner {
		_, owner = u.users.ByID(*l.AssignedTo)
	}
	return stage && owner
}

// write runs a transaction with a snapshot of the setup, and runs it once more
// with the setup as it is now when the lead turns out to refer to something newer.
func (s *Service) write(ctx context.Context, actor authz.Actor, u *setup, fn func(tx *db.Tx) error) error {
	err := s.db.Write(ctx, fn)
	if errors.Is(err, errOutdated) {
		if *u, err = s.renewed(ctx, actor); err != nil {
			return err
		}
		err = s.db.Write(ctx, fn)
	}
	if v, ok := db.ViolationOf(err); ok && v.Kind == db.ForeignKey { // it was there when it was looked up
		return justRemoved().Because(err)
	}
	return err
}

// draft is what a form says about a lead, looked up.
type draft struct {
	stage    pipelines.Stage // where it is to be; only with hasStage
	hasStage bool
}

// lookUp checks the references of a form; see [Writer.lookUp].
func (s *Service) lookUp(ctx context.Context, actor authz.Actor, pipelineID, stageID input.Field[int64], details *Details, problems *faults.Bag) (d draft, u setup, err error) {
	w, err := s.Writer(ctx, actor)
	if err == nil {
		d, err = w.lookUp(ctx, pipelineID, stageID, details, problems)
	}
	return d, w.setup, err
}

func (u *setup) lookUp(pipelineID, stageID input.Field[int64], details *Details, problems *faults.Bag) (d draft) {
	pipelineKnown := true
	if pipelineID.Given() {
		if _, pipelineKnown = u.board.Pipeline(pipelineID.Value); !pipelineKnown {
			problems.Selected("pipeline_id")
		}
	}
	if stageID.Given() {
		d.stage, d.hasStage = u.board.Stage(stageID.Value)
		if !d.hasStage || (pipelineKnown && pipelineID.Given() && d.stage.PipelineID != pipelineID.Value) {
			problems.Selected("stage_id")
		}
	}
	if details == nil {
		return d
	}
	if details.AssignedTo.Given() {
		if !u.users.Active(details.AssignedTo.Value) {
			problems.Selected("assigned_to")
		}
	}
	if details.CustomFields.Given() {
		u.fields.Merge("{}", details.CustomFields.Value.Members(), problems)
	}
	return d
}

// apply writes the sent details into the lead. With keepEmpty, what was sent empty
// changes nothing (upsert); otherwise it clears.
func (d *Details) apply(l *Lead, u *setup, keepEmpty bool) {
	setText := func(place *string, f input.Field[string]) {
		if f.Given() || (f.Cleared() && !keepEmpty) {
			*place = f.Value
		}
	}
	if d.Phone.Given() {
		l.Phone = phones.NormalizeIn(d.Phone.Value, u.phoneRegion)
	} else if d.Phone.Cleared() && !keepEmpty {
		l.Phone = ""
	}
	setText(&l.Email, d.Email)
	setText(&l.Company, d.Company)
	if d.Birthday.Given() || (d.Birthday.Cleared() && !keepEmpty) {
		l.Birthday = string(d.Birthday.Value)
	}
	if d.Value.Given() {
		cents := int64(d.Value.Value)
		l.ValueCents = &cents
	} else if d.Value.Cleared() && !keepEmpty {
		l.ValueCents = nil
	}
	setText(&l.Source, d.Source)
	if (d.Tags.Given() && (len(d.Tags.Value) > 0 || !keepEmpty)) || (d.Tags.Cleared() && !keepEmpty) {
		l.setTags(withTags(nil, d.Tags.Value))
	}
	setText(&l.Notes, d.Notes)
	for i, f := range []input.Field[string]{d.UTMSource, d.UTMMedium, d.UTMCampaign, d.UTMTerm, d.UTMContent} {
		setText(&l.UTM[i], f)
	}
	if d.AssignedTo.Given() || (d.AssignedTo.Cleared() && !keepEmpty) {
		l.AssignedTo = d.AssignedTo.Ptr()
	}
	d.applyCustomFields(l, u.fields, keepEmpty)
}

func (d *Details) applyCustomFields(l *Lead, fields *customfields.Set, keepEmpty bool) {
	if d.CustomFields.Cleared() && !keepEmpty {
		l.CustomValues = "{}"
	}
	if !d.CustomFields.Given() {
		return
	}
	var checkedBefore faults.Bag // lookUp has reported what is wrong
	sent := d.CustomFields.Value.Members()
	if keepEmpty {
		sent = input.NotEmpty(sent)
	}
	l.CustomValues = fields.Merge(l.CustomValues, sent, &checkedBefore)
}

// limitReached is the refusal of a lead beyond the plan's limit.
func limitReached() error {
	return faults.New(faults.Refused, "Limite de leads do plano atingido.",
		faults.Member{Name: "success", Value: false}, faults.Member{Name: "limit_reached", Value: true})
}

// checkLimit refuses when the plan has no room for another lead. Inside a
// transaction it holds the account, so that racing creations count each other; not
// its key, which every row that refers to the account shares.
func checkLimit(q db.Querier, actor authz.Actor) error {
	if actor.MaxLeads == 0 {
		return nil
	}
	if tx, ok := q.(*db.Tx); ok {
		var id int64
		if err := db.Get(tx.Query(`SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, actor.AccountID), &id); err != nil {
			return err
		}
	}
	n, err := countListed(q, actor.AccountID)
	if err == nil && n >= actor.MaxLeads {
		err = limitReached()
	}
	return err
}

// errOutdated is a defect or a race that a retry settles: a lead refers to
// something that the account's setup, read anew, does not have.
var errOutdated = errors.New("a lead refers to a stage or user that the account's setup lacks")
