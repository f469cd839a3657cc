package leads

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/pipelines"
	"syncro/internal/tasks"
	"syncro/internal/timeline"
)

// Moved is the answer of an operation on a lead that does not show it.
type Moved struct {
	Success bool  `json:"success" doc:"Always true." example:"true"`
	LeadID  int64 `json:"lead_id" doc:"Id of the lead." example:"123"`
	version int64
}

// RecordVersion is the lead's version.
func (m Moved) RecordVersion() int64 { return m.version }

// move is a move under way: the lead before and after, where it goes, and what is
// to be recorded of it.
type move struct {
	before *Lead
	after  *Lead
	to     pipelines.Stage
	blockedMessage
	value    *int64 // of the sale, when it is not the lead's
	reasonID *int64 // of the lost sale
	happened []timeline.Event
}

// note adds something that happened.
func (m *move) note(what timeline.EventType, description string) {
	m.happened = append(m.happened, timeline.Event{LeadID: m.after.ID, Type: what, Description: description})
}

// blockedMessage is what a move that mandatory tasks forbid is refused with.
type blockedMessage string

// The messages (companion-api.md section 1, "422 blocked").
const (
	blockedMove blockedMessage = "Complete mandatory tasks before moving the lead."
	blockedWon  blockedMessage = "Complete mandatory tasks before marking as won."
	blockedLost blockedMessage = "Complete mandatory tasks before marking as lost."
)

// Move moves a lead to a stage (PUT /leads/{id}/stage). To the stage it is in
// already it does nothing. Refusals: not found, invalid, blocked, stale.
func (s *Service) Move(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[MoveFields]) (Moved, error) {
	return s.moved(ctx, actor, func(w *Writer) (Write, error) { return w.Move(ctx, id, expected, form) })
}

// Win moves a lead to a won stage and records the sale (PUT /leads/{id}/won).
func (s *Service) Win(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[WonFields]) (Moved, error) {
	return s.moved(ctx, actor, func(w *Writer) (Write, error) { return w.Win(ctx, id, expected, form) })
}

// Lose moves a lead to a lost stage and records the reason (PUT /leads/{id}/lost).
func (s *Service) Lose(ctx context.Context, actor authz.Actor, id int64, expected *int64, form *input.Form[LostFields]) (Moved, error) {
	return s.moved(ctx, actor, func(w *Writer) (Write, error) { return w.Lose(ctx, id, expected, form) })
}

// moved does a write that answers with the lead's id.
func (s *Service) moved(ctx context.Context, actor authz.Actor, prepare func(w *Writer) (Write, error)) (Moved, error) {
	_, done, err := s.one(ctx, actor, prepare)
	if err != nil {
		return Moved{}, err
	}
	return Moved{Success: true, LeadID: done.Lead.ID, version: done.Lead.Version}, nil
}

// Move prepares [Service.Move].
func (w *Writer) Move(ctx context.Context, id int64, expected *int64, form *input.Form[MoveFields]) (Write, error) {
	d, err := w.lookUp(ctx, form.Fields.PipelineID, form.Fields.StageID, nil, &form.Problems)
	return w.onLead(id, expected, form.Err, func(tx *db.Tx, l *Lead) error { return w.move(tx, l, d.stage) }), err
}

// move moves a lead that is locked.
func (w *Writer) move(tx *db.Tx, l *Lead, to pipelines.Stage) error {
	if l.StageID == to.ID {
		return nil
	}
	return w.service.perform(tx, w.actor, &w.setup, move{before: l, to: to, blockedMessage: blockedMove})
}

// Win prepares [Service.Win].
func (w *Writer) Win(ctx context.Context, id int64, expected *int64, form *input.Form[WonFields]) (Write, error) {
	var value *int64
	if form.Fields.Value.Given() {
		cents := int64(form.Fields.Value.Value)
		value = &cents
	}
	return conclude(ctx, w, id, expected, form, form.Fields.StageID, move{blockedMessage: blockedWon, value: value}, pipelines.Won)
}

// Lose prepares [Service.Lose].
func (w *Writer) Lose(ctx context.Context, id int64, expected *int64, form *input.Form[LostFields]) (Write, error) {
	if reason := form.Fields.ReasonID; reason.Given() {
		_, known := w.setup.board.LostReason(reason.Value)
		if !known && !w.renewed {
			if err := w.Renew(ctx); err != nil {
				return Write{}, err
			}
			_, known = w.setup.board.LostReason(reason.Value)
		}
		if !known {
			form.Problems.Selected("reason_id")
		}
	}
	return conclude(ctx, w, id, expected, form, form.Fields.StageID, move{blockedMessage: blockedLost, reasonID: form.Fields.ReasonID.Ptr()}, pipelines.Lost)
}

// wrongKind is the refusal of a stage that is not of the kind that is asked for.
func wrongKind(kind pipelines.Kind) error {
	if kind == pipelines.Won {
		return faults.New(faults.Refused, "A etapa informada não é uma etapa de ganho.")
	}
	return faults.New(faults.Refused, "A etapa informada não é uma etapa de perda.")
}

// conclude does what winning and losing have in common, in the order that
// companion-api.md section 2 ("Won / lost") gives.
func conclude[F any](ctx context.Context, w *Writer, id int64, expected *int64, form *input.Form[F], stageID input.Field[int64], m move, kind pipelines.Kind) (Write, error) {
	d, err := w.lookUp(ctx, input.Field[int64]{}, stageID, nil, &form.Problems)
	if err != nil {
		return Write{}, err
	}
	check := func() error {
		if err := form.Err(); err != nil {
			return err
		}
		if d.stage.Kind != kind {
			return wrongKind(kind)
		}
		return nil
	}
	return w.onLead(id, expected, check, func(tx *db.Tx, l *Lead) error {
		m := m // the transaction may run twice
		m.before, m.to = l, d.stage
		if l.StageID == d.stage.ID {
			return w.service.repeat(tx, w.actor, &w.setup, &m)
		}
		return w.service.perform(tx, w.actor, &w.setup, m)
	}), nil
}

// claim locks a lead for a change and runs the checks in their order.
func (s *Service) claim(tx *db.Tx, actor authz.Actor, id int64, expected *int64, check func() error) (*Lead, error) {
	l, err := lock(tx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := check(); err != nil {
		return nil, err
	}
	if expected != nil && *expected != l.Version {
		return nil, timeline.Stale(tx, actor, timeline.Lead, id, *expected, l.Version)
	}
	return l, nil
}

// perform moves the lead m.before, which is changed to what it is afterwards.
func (s *Service) perform(tx *db.Tx, actor authz.Actor, u *setup, m move) error {
	if err := testBlocks(tx, actor, m.before, m.blockedMessage); err != nil {
		return err
	}
	before := *m.before
	m.before, m.after = &before, m.before
	if err := s.place(tx, actor, u, &m); err != nil {
		return err
	}
	if err := s.change(tx, actor, u, &before, m.after, m.happened...); err != nil {
		return err
	}
	return s.demand(tx, actor, &m)
}

// testBlocks refuses while mandatory tasks of the lead's visit are pending.
func testBlocks(tx *db.Tx, actor authz.Actor, l *Lead, message blockedMessage) error {
	if !l.MandatoryTasks {
		return nil
	}
	pending, err := tasks.PendingMandatory(tx, actor, l.ID, l.Visit)
	if err != nil || len(pending) == 0 {
		return err
	}
	return faults.New(faults.Refused, string(message), faults.Member{Name: "success", Value: false},
		faults.Member{Name: "blocked", Value: true}, faults.Member{Name: "pending_tasks", Value: pending})
}

// place puts m.after into the stage: the visit and the sales. The caller stores the
// lead, tells what happened and then makes the tasks that the stage demands.
func (s *Service) place(tx *db.Tx, actor authz.Actor, u *setup, m *move) error {
	from, ok := u.board.Stage(m.before.StageID)
	if !ok {
		return errOutdated
	}
	if from.PipelineID == m.to.PipelineID && from.Kind != m.to.Kind {
		if err := m.void(tx, actor, from.Kind); err != nil {
			return err
		}
	}
	m.after.enter(m.to, tx.Now())
	m.note(timeline.StageChanged, "Etapa alterada de "+from.Name+" para "+m.to.Name+".")
	return s.record(tx, actor, m)
}

// demand makes the mandatory tasks of the stage that a lead has entered.
func (s *Service) demand(tx *db.Tx, actor authz.Actor, m *move) error {
	if !m.after.MandatoryTasks {
		return nil
	}
	demanded := tasks.Stage{Name: m.to.Name}
	for _, r := range m.to.Requirements {
		demanded.Requirements = append(demanded.Requirements, tasks.Requirement{ID: r.ID, Subject: r.Subject, Type: r.Type, Priority: r.Priority, DueInDays: int64(r.DueInDays)})
	}
	return s.tasks.CreateMandatory(tx, actor, tasks.LeadRef{ID: m.after.ID, Name: m.after.Name, Phone: m.after.Phone, Email: m.after.Email, AssignedTo: m.after.AssignedTo}, demanded, m.after.Visit)
}
