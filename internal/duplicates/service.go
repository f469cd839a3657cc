package duplicates

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/money"
)

// Service finds pairs and lists them.
type Service struct {
	db *db.DB
}

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// React is the reaction to the events of leads.
func (s *Service) React(tx *db.Tx, actor authz.Actor, e events.Event) error {
	facts, ok := e.Facts.(leads.Facts)
	if !ok {
		return nil
	}
	switch e.Type {
	case events.LeadCreated, events.LeadUpdated, events.LeadRestored:
		if !differs(facts.Before, facts.After) {
			return nil
		}
		return enqueue(tx, actor, facts.After.ID)
	case events.LeadDeleted:
		return forget(tx, actor, facts.After.ID)
	case events.LeadMerged:
		if err := forget(tx, actor, facts.Merged.ID); err != nil {
			return err
		}
		return enqueue(tx, actor, facts.After.ID)
	default:
		return nil
	}
}

// differs tells whether a change of a lead can make or unmake a pair.
func differs(before, after *leads.Lead) bool {
	if before == nil {
		return after.Email != "" || after.Phone != "" || after.Company != ""
	}
	return before.Name != after.Name || before.Email != after.Email || before.Phone != after.Phone || before.Company != after.Company ||
		(before.DeletedAt == nil) != (after.DeletedAt == nil) || (before.MergedInto == nil) != (after.MergedInto == nil)
}

// Lead is a lead of a pair.
type Lead struct {
	ID         int64            `json:"id" doc:"Lead id." example:"123"`
	Name       string           `json:"name" doc:"Name." example:"João Silva"`
	Phone      *string          `json:"phone" doc:"Phone." example:"+5511999887766"`
	Email      *string          `json:"email" doc:"Email address." example:"joao@acme.com.br"`
	Company    *string          `json:"company" doc:"Company." example:"ACME"`
	PipelineID int64            `json:"pipeline_id" doc:"Its pipeline." example:"1"`
	StageID    int64            `json:"stage_id" doc:"Its stage." example:"5"`
	Value      *money.Cents     `json:"value" doc:"Its value." example:"5000"`
	CreatedAt  calendar.Instant `json:"created_at" doc:"When it was created."`
	UpdatedAt  calendar.Instant `json:"updated_at" doc:"When it was last changed."`
}

// Pair is two leads that are probably one.
type Pair struct {
	ID         int64            `json:"id" doc:"Id of the pair." example:"17"`
	Confidence int64            `json:"confidence" doc:"How likely they are one, in percent." example:"95"`
	Reasons    []Reason         `json:"reasons" nullable:"false" doc:"Why."`
	Leads      []Lead           `json:"leads" nullable:"false" doc:"The two leads, the older one first."`
	FoundAt    calendar.Instant `json:"found_at" doc:"When it was found as it is now."`

	older, newer int64
}

// Page is the answer of a list of pairs.
type Page struct {
	Success bool     `json:"success" doc:"Always true." example:"true"`
	Data    []Pair   `json:"data" nullable:"false" doc:"The pairs of the page."`
	Meta    api.Meta `json:"meta" doc:"Where the page stands in the list."`
}

// List gives a page of the pairs that nobody has dismissed, the most likely first.
func (s *Service) List(ctx context.Context, actor authz.Actor, query listQuery) (Page, error) {
	answer, page := Page{Success: true}, query.Asked()
	err := s.db.Read(ctx, func(q db.Querier) error {
		pairs, total, err := list(q, actor, query.LeadID.Ptr(), page)
		answer.Data, answer.Meta = pairs, page.Meta(total)
		return err
	})
	return answer, err
}

// Dismiss says that a pair's leads are two. It is not shown again unless something
// changes of what made it a pair.
func (s *Service) Dismiss(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE duplicates SET dismissed_at = COALESCE(dismissed_at, $3), dismissed_by = COALESCE(dismissed_by, $4) WHERE account_id = $1 AND id = $2`,
			actor.AccountID, id, tx.Now(), actor.PerformedBy())
		if err == nil && n == 0 {
			err = faults.Unknown("Par de leads", "o")
		}
		return err
	})
}
