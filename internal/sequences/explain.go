package sequences

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/leads"
)

// Explanation says what will happen next to a lead in a sequence, or why nothing will.
type Explanation struct {
	Success        bool              `json:"success" doc:"Always true." example:"true"`
	LeadID         int64             `json:"lead_id" doc:"Id of the lead." example:"123"`
	SequenceID     int64             `json:"sequence_id" doc:"Id of the sequence." example:"1"`
	LeadSequenceID int64             `json:"lead_sequence_id" doc:"Id of the lead's newest enrolment in it." example:"45"`
	Status         Status            `json:"status" doc:"How it stands." example:"active"`
	CurrentStep    int64             `json:"current_step" doc:"The step the lead is at, from 1." example:"2"`
	TotalSteps     int64             `json:"total_steps" doc:"How many steps there are." example:"3"`
	Outdated       bool              `json:"outdated" doc:"Whether the sequence has other steps by now: the lead goes on with those it began with." example:"false"`
	Next           *Upcoming         `json:"next" doc:"What will happen; null when nothing will."`
	Reason         string            `json:"reason" doc:"Why it is this and now, or why nothing: due, delay, sending_hours, no_sending_day, retry, waiting_reply, replied, timeout, condition_true, condition_false, running, paused, sequence_inactive, ended and the like." example:"delay"`
	Explanation    string            `json:"explanation" doc:"The same in words." example:"O passo 2 (template) será executado em 01/07/2026 10:00, quando terminar a espera."`
	LastError      *string           `json:"last_error" doc:"What went wrong last." example:"131026: Message undeliverable"`
	EndedAt        *calendar.Instant `json:"ended_at" doc:"When it ended."`
	History        []PastRun         `json:"history" nullable:"false" doc:"The steps that have run, oldest first; the newest hundred."`
}

// Upcoming is a step that will run.
type Upcoming struct {
	Step int64            `json:"step" doc:"Its position." example:"2"`
	Type StepType         `json:"type" doc:"What it does." enum:"message,template,task,action,wait_reply,condition" example:"template"`
	At   calendar.Instant `json:"at" doc:"When, at the earliest."`
	Text *string          `json:"text" doc:"Of a message or a task: the text as it would be now." example:"Olá João Silva, que bom ter você por aqui!"`
}

// PastRun is a run of a step.
type PastRun struct {
	Step      int64            `json:"step" doc:"Position of the step." example:"1"`
	Type      StepType         `json:"type" doc:"What it does." enum:"message,template,task,action,wait_reply,condition" example:"message"`
	Outcome   Outcome          `json:"outcome" doc:"What became of it." enum:"done,skipped,failed,unknown" example:"done"`
	Reason    *string          `json:"reason" doc:"Why, where there is something to say: blocked, window_closed, what the provider said." example:"window_closed"`
	MessageID *int64           `json:"message_id" doc:"The message that it sent." example:"456"`
	TaskID    *int64           `json:"task_id" doc:"The task that it made." example:"45"`
	RanAt     calendar.Instant `json:"ran_at" doc:"When it ran."`
}

// pastRuns is how many runs an explanation shows.
const pastRuns = 100

// Explain says what will happen next to a lead in a sequence, by the very function
// that the engine decides by.
func (s *Service) Explain(ctx context.Context, actor authz.Actor, leadID, sequenceID int64) (Explanation, error) {
	r := &round{s: s, actor: actor}
	if err := r.look(ctx); err != nil {
		return Explanation{}, err
	}
	var x Explanation
	now := s.Clock()
	err := s.db.Read(ctx, func(q db.Querier) error {
		lead, err := leads.Find(q, actor, leadID)
		if err != nil {
			return err
		}
		e, err := get(q.Query(`SELECT `+enrollmentColumns+` FROM sequence_enrollments e WHERE e.account_id = $1 AND e.lead_id = $2 AND e.sequence_id = $3 ORDER BY e.id DESC LIMIT 1`,
			actor.AccountID, leadID, sequenceID))
		if errors.Is(err, db.ErrNoRows) {
			return notIn()
		}
		if err != nil {
			return err
		}
		p, err := planOf(q, actor, sequenceID, e.version)
		if err != nil {
			return err
		}
		f := facts{lead: lead, values: r.values(lead)}
		if f.days, err = restDays(q, actor); err != nil {
			return err
		}
		var version int64
		if err := db.Get(q.Query(`SELECT version FROM sequences WHERE account_id = $1 AND id = $2`, actor.AccountID, sequenceID), &version); err != nil {
			return err
		}
		x = explain(p, e, &f, now)
		x.Outdated = version != e.version
		x.History, err = history(q, actor, e.id)
		return err
	})
	if err != nil && !faults.Is(err, faults.NotFound) {
		err = fmt.Errorf("explaining an enrolment: %w", err)
	}
	return x, err
}

// explain puts the next decision about an enrolment into words.
func explain(p *plan, e *enrollment, f *facts, now time.Time) Explanation {
	d := next(p, e, f, now)
	x := Explanation{
		Success: true, LeadID: e.leadID, SequenceID: e.sequenceID, LeadSequenceID: e.id, Status: e.status,
		CurrentStep: min(e.position, int64(len(p.steps))), TotalSteps: int64(len(p.steps)), Reason: string(d.reason), EndedAt: calendar.InstantOf(e.endedAt),
	}
	if e.lastError != "" {
		x.LastError = &e.lastError
	}
	at := now
	if d.do == sleep {
		at = d.at
	}
	if d.step != nil {
		x.Next = &Upcoming{Step: d.step.Position, Type: d.step.Type, At: calendar.Instant{Time: at}, Text: f.preview(d.step)}
	}
	x.Explanation = words(d, e, at.In(f.days.zone).Format("02/01/2006 15:04"), f)
	return x
}

// preview is the text of a step as it would be now.
func (f *facts) preview(step *Step) *string {
	text := ""
	switch s := &step.Settings; step.Type {
	case Message:
		text = s.Body + s.Caption // a text has the one, an image the other
	case Template:
		text = strings.Join(s.Variables, ", ")
	case Task:
		text = s.Subject
	}
	if text == "" || f.lead == nil {
		return nil
	}
	return new(f.fill(text, step.Settings.Fallbacks))
}

// words say what a decision means.
func words(d decision, e *enrollment, at string, f *facts) string {
	step := ""
	if d.step != nil {
		step = fmt.Sprintf("O passo %d (%s)", d.step.Position, d.step.Type)
	}
	switch d.reason {
	case becauseEnded:
		return ended(e, f)
	case becausePaused:
		return "Nada acontecerá: a inscrição está pausada."
	case becauseInactive:
		return "Nada acontecerá enquanto a sequência estiver inativa; ao ser ativada, a inscrição continua de onde parou."
	case becauseRunning:
		return step + " está sendo executado agora."
	case becauseDelay:
		return step + " será executado em " + at + ", quando terminar a espera."
	case becauseRetry:
		return step + " não saiu e será repetido em " + at + "."
	case becauseHours:
		return step + " será executado em " + at + ", quando abrir o seu horário de envio."
	case becauseRestDays:
		return step + " não tem nenhum dia de envio no próximo ano: confira os feriados e os dias da semana."
	case becauseNoReply:
		if e.waiting {
			return step + " espera uma resposta até " + at + "."
		}
		return step + " começará agora a esperar por uma resposta."
	case becauseReplied:
		if d.do == jump {
			return step + " recebeu a resposta; a sequência continua agora."
		}
	case becauseTimeout:
		return step + " esperou sem resposta; a sequência continua agora."
	case becauseHolds:
		return step + " é verdadeiro para o lead; a sequência continua agora."
	case becauseDoesNotHold:
		return step + " não é verdadeiro para o lead; a sequência continua agora."
	case becauseDue:
		return step + " será executado agora."
	case becauseOver:
		return "Todos os passos foram executados: a inscrição será concluída agora."
	}
	return "A inscrição será encerrada agora (" + string(d.status) + ")."
}

// ended says when and why an enrolment ended.
func ended(e *enrollment, f *facts) string {
	when := ""
	if e.endedAt != nil {
		when = " em " + e.endedAt.In(f.days.zone).Format("02/01/2006 15:04")
	}
	why := map[Status]string{
		Completed: "todos os passos foram executados", ExitedManual: "o lead foi retirado", ExitedReply: "o lead respondeu", ExitedStageChange: "o lead mudou de etapa",
		ExitedWonLost: "o lead foi ganho ou perdido", ExitedOptOut: "o lead pediu para não receber mensagens", ExitedDeleted: "o lead foi excluído", Failed: "um passo falhou",
	}[e.status]
	return "Nada acontecerá: a inscrição terminou" + when + ", porque " + why + "."
}

// history reads the newest runs of an enrolment, oldest first.
func history(q db.Querier, actor authz.Actor, enrollmentID int64) ([]PastRun, error) {
	runs, err := db.Collect(q.Query(`SELECT position, type, outcome, reason, message_id, task_id, ran_at FROM (
			SELECT run, position, type, outcome, reason, message_id, task_id, ran_at FROM sequence_runs WHERE account_id = $1 AND enrollment_id = $2 ORDER BY run DESC LIMIT $3
		) AS newest ORDER BY run`, actor.AccountID, enrollmentID, pastRuns),
		func(r *db.Rows, v *PastRun) {
			r.Scan(&v.Step, &v.Type, &v.Outcome, &v.Reason, &v.MessageID, &v.TaskID, &v.RanAt.Time)
		})
	return append([]PastRun{}, runs...), err
}
