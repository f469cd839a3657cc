package sequences

import (
	"bytes"
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/timeline"
)

// endings are how an enrolment ends, as the lead's timeline has it.
var endings = map[Status]string{
	Completed:         "Sequência concluída: %s.",
	ExitedManual:      "Retirado da sequência %s.",
	ExitedReply:       "Saiu da sequência %s: respondeu.",
	ExitedStageChange: "Saiu da sequência %s: mudou de etapa.",
	ExitedWonLost:     "Saiu da sequência %s: ganho ou perdido.",
	ExitedOptOut:      "Saiu da sequência %s: pediu para não receber mensagens.",
	ExitedDeleted:     "Saiu da sequência %s: lead excluído.",
	Failed:            "A sequência %s falhou.",
}

// Facts are what reactions to an event of a sequence decide by.
type Facts struct {
	EnrollmentID, SequenceID, LeadID int64
	Status                           Status
}

func (s *Service) tellEnrolled(tx *db.Tx, actor authz.Actor, p *plan, e *enrollment) error {
	err := timeline.Record(tx, actor, timeline.Event{LeadID: e.leadID, Type: timeline.SequenceEnrolled, Description: "Inscrito na sequência " + p.name + "."})
	if err != nil {
		return err
	}
	return s.emit(tx, actor, events.SequenceEnrolled, p, e)
}

func (s *Service) tellEnded(tx *db.Tx, actor authz.Actor, p *plan, e *enrollment) error {
	err := timeline.Record(tx, actor, timeline.Event{LeadID: e.leadID, Type: timeline.SequenceExited, Description: fmt.Sprintf(endings[e.status], p.name)})
	if err != nil {
		return err
	}
	if e.status == Completed {
		return s.emit(tx, actor, events.SequenceCompleted, p, e)
	}
	return s.emit(tx, actor, events.SequenceExited, p, e)
}

// told is an enrolment as events show it.
type told struct {
	ID          int64             `json:"id"`
	LeadID      int64             `json:"lead_id"`
	SequenceID  int64             `json:"sequence_id"`
	Name        string            `json:"name"`
	Status      Status            `json:"status"`
	CurrentStep int64             `json:"current_step"`
	TotalSteps  int64             `json:"total_steps"`
	NextStepAt  *calendar.Instant `json:"next_step_at"`
	LastError   *string           `json:"last_error"`
}

func (s *Service) emit(tx *db.Tx, actor authz.Actor, what events.Type, p *plan, e *enrollment) error {
	shown := told{e.id, e.leadID, e.sequenceID, p.name, e.status, min(e.position, int64(len(p.steps))), int64(len(p.steps)), calendar.InstantOf(e.nextStepAt), nil}
	if e.lastError != "" {
		shown.LastError = &e.lastError
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	previous := map[string]any{}
	if what != events.SequenceEnrolled {
		previous["status"] = Active
	}
	if e.shown == nil {
		var err error
		if e.shown, err = s.Leads.Shown(tx, actor, e.leadID); err != nil {
			return fmt.Errorf("the lead of an enrolment: %w", err)
		}
	}
	if err := encoder.Encode(map[string]any{"lead": e.shown, "lead_sequence": shown, "previous": previous}); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	return s.Log.Emit(tx, actor, events.Event{
		Type: what, LeadID: &e.leadID, Data: bytes.TrimSpace(data.Bytes()), Facts: Facts{e.id, e.sequenceID, e.leadID, e.status},
	})
}
