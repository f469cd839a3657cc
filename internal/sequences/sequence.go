package sequences

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
)

// Sequence is a sequence as the list shows it.
type Sequence struct {
	ID                   int64            `json:"id" doc:"Sequence id." example:"1"`
	Name                 string           `json:"name" doc:"Name." example:"Boas-vindas"`
	Description          *string          `json:"description" doc:"What it is for." example:"Primeiro contato com quem acaba de chegar."`
	Channel              string           `json:"channel" doc:"Channel its messages go through." example:"whatsapp"`
	IsActive             bool             `json:"is_active" doc:"Whether leads can be enrolled and its steps run." example:"true"`
	ExitOnReply          bool             `json:"exit_on_reply" doc:"Whether a lead leaves it by replying." example:"true"`
	ExitOnStageChange    bool             `json:"exit_on_stage_change" doc:"Whether a lead leaves it by moving to another stage." example:"false"`
	TotalSteps           int64            `json:"total_steps" doc:"How many steps it has." example:"3"`
	ActiveEnrollments    int64            `json:"active_enrollments" doc:"Leads that are in it." example:"12"`
	CompletedEnrollments int64            `json:"completed_enrollments" doc:"Leads that went through all of it." example:"40"`
	CreatedAt            calendar.Instant `json:"created_at" doc:"When it was created."`
}

// Service runs the operations on sequences.
type Service struct {
	db *db.DB
}

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// List gives all sequences of the account, by id.
func (s *Service) List(ctx context.Context, actor authz.Actor) (sequences []Sequence, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		sequences, err = db.Collect(q.Query(`SELECT s.id, s.name, s.description, s.channel, s.is_active, s.exit_on_reply, s.exit_on_stage_change, s.created_at,
				(SELECT count(*) FROM sequence_steps p WHERE p.account_id = s.account_id AND p.sequence_id = s.id)
			FROM sequences s WHERE s.account_id = $1 ORDER BY s.id`, actor.AccountID),
			func(r *db.Rows, v *Sequence) {
				r.Scan(&v.ID, &v.Name, &v.Description, &v.Channel, &v.IsActive, &v.ExitOnReply, &v.ExitOnStageChange, &v.CreatedAt.Time, &v.TotalSteps)
			})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing sequences: %w", err)
	}
	return sequences, nil
}
