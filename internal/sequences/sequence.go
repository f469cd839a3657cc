package sequences

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/faults"
	"syncro/internal/jobs"
	"syncro/internal/leads"
	"syncro/internal/messaging"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
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

	version int64
}

// Detail is a sequence with its steps.
type Detail struct {
	Sequence
	Steps []Step `json:"steps" nullable:"false" doc:"The steps, in order."`
}

// Options are what a [Service] needs of the rest of the program.
type Options struct {
	Log          *events.Log
	Queue        *jobs.Queue
	Accounts     *accounts.Service
	Pipelines    *pipelines.Service
	CustomFields *customfields.Service
	Tasks        *tasks.Service
	Leads        *leads.Service
	Messaging    *messaging.Service
	Clock        func() time.Time
}

// Service runs the operations on sequences and their enrolments.
type Service struct {
	db *db.DB
	Options
	engine *engine
}

// New makes the service. It hears of what happens to leads and of their messages.
func New(d *db.DB, o Options) *Service {
	s := &Service{db: d, Options: o}
	s.engine = newEngine(s)
	o.Log.React(s.react)
	return s
}

const sequenceColumns = `s.id, s.name, s.description, s.channel, s.version, s.is_active, s.exit_on_reply, s.exit_on_stage_change, s.created_at,
	(SELECT count(*) FROM sequence_steps p WHERE p.account_id = s.account_id AND p.sequence_id = s.id AND p.version = s.version),
	(SELECT count(*) FROM sequence_enrollments e WHERE e.account_id = s.account_id AND e.sequence_id = s.id AND e.status IN ('active', 'paused')),
	(SELECT count(*) FROM sequence_enrollments e WHERE e.account_id = s.account_id AND e.sequence_id = s.id AND e.status = 'completed')`

// places are where sequenceColumns are read into.
func (v *Sequence) places() []any {
	return []any{
		&v.ID, &v.Name, &v.Description, &v.Channel, &v.version, &v.IsActive, &v.ExitOnReply, &v.ExitOnStageChange, &v.CreatedAt.Time,
		&v.TotalSteps, &v.ActiveEnrollments, &v.CompletedEnrollments,
	}
}

// List gives all sequences of the account, by id.
func (s *Service) List(ctx context.Context, actor authz.Actor) (sequences []Sequence, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		sequences, err = db.Collect(q.Query(`SELECT `+sequenceColumns+` FROM sequences s WHERE s.account_id = $1 AND s.deleted_at IS NULL ORDER BY s.id`, actor.AccountID),
			func(r *db.Rows, v *Sequence) { r.Scan(v.places()...) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing sequences: %w", err)
	}
	return sequences, nil
}

// Get gives a sequence with its steps.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64) (Detail, error) {
	var detail Detail
	err := s.db.Read(ctx, func(q db.Querier) (err error) {
		detail, err = find(q, actor, id)
		return err
	})
	return detail, err
}

// errUnknown is the refusal for a sequence that the account does not have.
func errUnknown() error { return faults.Unknown("Sequência", "a") }

// find reads a sequence with its present steps.
func find(q db.Querier, actor authz.Actor, id int64) (Detail, error) {
	detail := Detail{Steps: []Step{}}
	err := db.Get(q.Query(`SELECT `+sequenceColumns+` FROM sequences s WHERE s.account_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`, actor.AccountID, id), detail.places()...)
	if errors.Is(err, db.ErrNoRows) {
		return detail, errUnknown()
	}
	if err != nil {
		return detail, fmt.Errorf("reading a sequence: %w", err)
	}
	steps, err := stepsOf(q, actor, id, detail.version)
	detail.Steps = append(detail.Steps, steps...)
	return detail, err
}

// stepsOf reads the steps of a version of a sequence.
func stepsOf(q db.Querier, actor authz.Actor, id, version int64) ([]Step, error) {
	type row struct {
		step     Step
		hours    *string
		settings string
	}
	rows, err := db.Collect(q.Query(`SELECT id, position, type, delay_minutes, sending_hours, settings FROM sequence_steps
		WHERE account_id = $1 AND sequence_id = $2 AND version = $3 ORDER BY position`, actor.AccountID, id, version),
		func(r *db.Rows, v *row) {
			r.Scan(&v.step.ID, &v.step.Position, &v.step.Type, &v.step.DelayMinutes, &v.hours, &v.settings)
		})
	if err != nil {
		return nil, fmt.Errorf("reading the steps of sequence %d: %w", id, err)
	}
	steps := make([]Step, len(rows))
	for i := range rows {
		if err := rows[i].step.read(rows[i].hours, rows[i].settings); err != nil {
			return nil, err
		}
		steps[i] = rows[i].step
	}
	return steps, nil
}

// restDays reads the days that the account has decided on for itself.
func restDays(q db.Querier, actor authz.Actor) (workdays, error) {
	days := workdays{zone: actor.Location, own: map[calendar.Date]bool{}}
	rows := q.Query(`SELECT day, is_workday FROM holidays WHERE account_id = $1`, actor.AccountID)
	for rows.Next() {
		var day string
		var work bool
		rows.Scan(&day, &work)
		days.own[calendar.Date(day)] = work
	}
	if err := rows.Err(); err != nil {
		return days, fmt.Errorf("reading holidays: %w", err)
	}
	return days, nil
}
