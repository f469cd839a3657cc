package scoring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/cache"
	"syncro/internal/calendar"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
)

// Service keeps rules and lets them fire.
type Service struct {
	db       *db.DB
	accounts *accounts.Service
	clock    func() time.Time
	rules    *cache.PerAccount[*ruleSet]
}

// ruleSet is what an account's rules need: they, the order of its stages and the
// names of its custom fields. The last two are nil when there is no rule.
type ruleSet struct {
	rules  []Rule // active ones
	board  *pipelines.Board
	fields *customfields.Set
}

// New makes the service; clock is the one of the database's transactions.
func New(d *db.DB, a *accounts.Service, clock func() time.Time) *Service {
	return &Service{db: d, accounts: a, clock: clock, rules: cache.New(func(ctx context.Context, accountID int64) (set *ruleSet, err error) {
		err = d.Read(ctx, func(q db.Querier) error {
			set, err = load(q, accountID)
			return err
		})
		return set, err
	})}
}

// CreateRule adds a rule.
func (s *Service) CreateRule(ctx context.Context, actor authz.Actor, r Rule) (Rule, error) {
	problems := r.check()
	if err := problems.Err(); err != nil {
		return Rule{}, err
	}
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if r.ID, err = insert(tx, actor, &r); err != nil {
			return fmt.Errorf("storing a scoring rule: %w", err)
		}
		r.CreatedAt = calendar.Instant{Time: tx.Now()}
		r.UpdatedAt = r.CreatedAt
		return s.accounts.SetupChanged(tx, actor.AccountID)
	})
	return r, err
}

// React is the reaction to the events of leads and tasks.
func (s *Service) React(tx *db.Tx, actor authz.Actor, e events.Event) error {
	switch facts := e.Facts.(type) {
	case leads.Facts:
		set, err := s.ruleSet(tx, actor)
		if err != nil || len(set.rules) == 0 {
			return err
		}
		return s.score(tx, actor, set, happening{events: set.ofLead(e.Type, facts), lead: facts.After})
	case tasks.Facts:
		if e.Type != events.TaskCompleted || e.LeadID == nil {
			return nil
		}
		return s.react(tx, actor, *e.LeadID, happening{events: []Event{TaskCompleted}})
	}
	return nil
}

// mediaTypes are the types of messages that bring a medium.
var mediaTypes = []string{"image", "audio", "video", "document", "sticker"}

// Received is the reaction to a message of a type that a lead has sent.
func (s *Service) Received(tx *db.Tx, actor authz.Actor, leadID int64, messageType string) error {
	h := happening{events: []Event{MessageReceived}, messageType: messageType}
	if slices.Contains(mediaTypes, messageType) {
		h.events = append(h.events, MessageMediaReceived)
	}
	return s.react(tx, actor, leadID, h)
}

// react scores what happens to a lead that is not at hand.
func (s *Service) react(tx *db.Tx, actor authz.Actor, leadID int64, h happening) error {
	set, err := s.ruleSet(tx, actor)
	if err != nil || !set.wait(h.events) {
		return err
	}
	if h.lead, err = leads.Find(tx, actor, leadID); err != nil {
		return err
	}
	return s.score(tx, actor, set, h)
}

func (s *Service) ruleSet(tx *db.Tx, actor authz.Actor) (*ruleSet, error) {
	set, err := s.rules.Within(actor, func() (*ruleSet, error) { return load(tx, actor.AccountID) })
	if err != nil {
		return nil, fmt.Errorf("reading scoring rules: %w", err)
	}
	return set, nil
}

// wait tells whether any rule waits for one of the events.
func (u *ruleSet) wait(happened []Event) bool {
	return slices.ContainsFunc(u.rules, func(r Rule) bool { return slices.Contains(happened, r.Event) })
}

// ofLead are the rules' events that an event of a lead is. A sale that is only
// amended is an event of the lead, but none of theirs.
func (u *ruleSet) ofLead(what events.Type, f leads.Facts) (happened []Event) {
	moved := f.Before == nil || f.Before.StageID != f.After.StageID
	switch {
	case what == events.LeadCreated:
		happened = append(happened, LeadCreated)
	case what == events.LeadWon && moved:
		return []Event{LeadWon}
	case what == events.LeadLost && moved:
		return []Event{LeadLost}
	case what == events.LeadStageChanged && f.Before != nil:
		return u.step(f.Before.StageID, f.After.StageID)
	case what != events.LeadUpdated:
		return nil
	}
	if complete(f.After) && (f.Before == nil || !complete(f.Before)) {
		happened = append(happened, ProfileComplete)
	}
	return happened
}

func complete(l *leads.Lead) bool {
	return l.Name != "" && l.Phone != "" && l.Email != "" && l.Company != ""
}

// step is the event of a move between two stages, if it is a step at all.
func (u *ruleSet) step(from, to int64) []Event {
	was, knownBefore := u.board.Stage(from)
	is, known := u.board.Stage(to)
	if !knownBefore || !known || was.PipelineID != is.PipelineID || was.Kind == pipelines.Lost || is.Kind == pipelines.Lost {
		return nil
	}
	pipeline, _ := u.board.Pipeline(is.PipelineID)
	place := func(id int64) int {
		return slices.IndexFunc(pipeline.Stages, func(s pipelines.Stage) bool { return s.ID == id })
	}
	if place(to) > place(from) {
		return []Event{StageAdvanced}
	}
	return []Event{StageRegressed}
}

// score lets the rules fire that hold, and moves the score by their points.
func (s *Service) score(tx *db.Tx, actor authz.Actor, set *ruleSet, h happening) error {
	if h.lead.MergedInto != nil || !set.wait(h.events) {
		return nil
	}
	h.custom = set.fields.AppendJSON(nil, h.lead.CustomValues)
	held := holds(set.rules, &h)
	if len(held) == 0 {
		return nil
	}
	// The lead's row is held before the log is read, so that of two simultaneous
	// events only one finds a rule rested.
	before, err := lockScore(tx, actor, h.lead.ID)
	if err != nil {
		return fmt.Errorf("reading the score of lead %d: %w", h.lead.ID, err)
	}
	fired, err := lastFirings(tx, actor, h.lead.ID, held)
	if err != nil {
		return fmt.Errorf("reading the scores of lead %d: %w", h.lead.ID, err)
	}
	firing, points := evaluate(held, fired, tx.Now())
	after := max(0, before+points)
	for _, f := range firing {
		if err := logLine(tx, actor, line{
			leadID: h.lead.ID, ruleID: &f.rule.ID, event: string(f.rule.Event), points: f.rule.Points, score: after, reason: f.reason,
		}); err != nil {
			return err
		}
	}
	if after == before {
		return nil
	}
	return setScore(tx, actor, h.lead.ID, after)
}
