package sequences

import (
	"encoding/json"
	"fmt"
	"time"

	"syncro/internal/calendar"
	"syncro/internal/scoring"
)

// StepType is what a step does.
type StepType string

// The types of step (companion-api.md section 7).
const (
	Message   StepType = "message"
	Template  StepType = "template"
	Task      StepType = "task"
	Action    StepType = "action"
	WaitReply StepType = "wait_reply"
	Condition StepType = "condition"
)

// The actions of an action step.
const (
	moveStage  = "move_stage"
	addTag     = "add_tag"
	removeTag  = "remove_tag"
	assignUser = "assign_user"
)

// The kinds of message that a message step sends.
const (
	textMessage  = "text"
	imageMessage = "image"
)

// Step is one step of a version of a sequence.
type Step struct {
	ID           int64         `json:"id" doc:"Step id. An edit of the steps makes new ones." example:"1"`
	Position     int64         `json:"position" doc:"Place in the sequence, from 1." example:"1"`
	Type         StepType      `json:"type" doc:"What it does." enum:"message,template,task,action,wait_reply,condition" example:"message"`
	DelayMinutes int64         `json:"delay_minutes" doc:"Wait before the step, counted from when the previous one ran." example:"1440"`
	SendingHours *SendingHours `json:"sending_hours" doc:"When it may run, in the account's time zone; null for at any time."`
	Settings     Settings      `json:"settings" doc:"What it does in detail, by its type."`
}

func (s *Step) delay() time.Duration { return time.Duration(s.DelayMinutes) * time.Minute }

// Settings are those of a step; each type has its own, named here.
type Settings struct {
	Type string `json:"type,omitempty" doc:"message: text or image. task: its type." example:"text"`
	// Of message.
	Body             string            `json:"body,omitempty" doc:"message: the text." example:"Olá {{nome}}, que bom ter você por aqui!"`
	MediaURL         string            `json:"media_url,omitempty" doc:"message: the image." example:"https://acme.com.br/foto.jpg"`
	Caption          string            `json:"caption,omitempty" doc:"message: text below the image." example:"Nossa loja"`
	InstanceID       *int64            `json:"instance_id,omitempty" doc:"message: number to send from." example:"1"`
	FallbackTemplate *TemplateSettings `json:"fallback_template,omitempty" doc:"message: sent instead when the 24 h window is closed."`
	// Of message, template and task.
	Fallbacks map[string]string `json:"fallbacks,omitempty" doc:"message, template, task: what stands for a placeholder without a value."`
	// Of template.
	TemplateSettings
	// Of task.
	Subject     string `json:"subject,omitempty" doc:"task: what is to be done." example:"Ligar para {{nome}}"`
	Description string `json:"description,omitempty" doc:"task: details." example:"Confirmar o horário da visita."`
	Priority    string `json:"priority,omitempty" doc:"task: how urgent it is." enum:"low,medium,high" example:"medium"`
	DueInDays   int64  `json:"due_in_days,omitempty" doc:"task: days until it is due." example:"1"`
	// Of task and of the action assign_user; a task without one goes to the lead's owner.
	AssignedTo *int64 `json:"assigned_to,omitempty" doc:"task, assign_user: the user." example:"12"`
	// Of action.
	Action  string `json:"action,omitempty" doc:"action: what is changed of the lead." enum:"move_stage,add_tag,remove_tag,assign_user" example:"add_tag"`
	StageID *int64 `json:"stage_id,omitempty" doc:"move_stage: the stage." example:"7"`
	Tag     string `json:"tag,omitempty" doc:"add_tag, remove_tag: the tag." example:"vip"`
	// Of wait_reply.
	TimeoutMinutes int64  `json:"timeout_minutes,omitempty" doc:"wait_reply: how long it waits." example:"1440"`
	OnReplyStep    *int64 `json:"on_reply_step,omitempty" doc:"wait_reply: where it goes on after a reply: a later step's position; 0 ends the sequence; the next step when left out." example:"4"`
	OnTimeoutStep  *int64 `json:"on_timeout_step,omitempty" doc:"wait_reply: likewise without one." example:"3"`
	// Of condition.
	Field    string           `json:"field,omitempty" doc:"condition: what of the lead is compared." example:"value"`
	Operator scoring.Operator `json:"operator,omitempty" doc:"condition: how." enum:"equals,not_equals,gt,gte,lt,lte,contains,not_contains" example:"gte"`
	Value    string           `json:"value,omitempty" doc:"condition: with what." example:"1000"`
	ThenStep *int64           `json:"then_step,omitempty" doc:"condition: where it goes on if it holds: a later step's position; 0 ends the sequence; the next step when left out." example:"4"`
	ElseStep *int64           `json:"else_step,omitempty" doc:"condition: likewise if it does not." example:"0"`
}

// TemplateSettings say which template is sent and with what in it.
type TemplateSettings struct {
	TemplateID     int64    `json:"template_id,omitempty" doc:"Template to send." example:"1"`
	Variables      []string `json:"variables,omitempty" doc:"Its variables, in order, with placeholders." example:"[\"{{nome}}\",\"Proposta\",\"30/07\"]"`
	HeaderMediaURL string   `json:"header_media_url,omitempty" doc:"The medium of its header, when it has one." example:"https://acme.com.br/foto.jpg"`
}

// texts are the texts of a step in which placeholders may stand.
func (s *Settings) texts() []string {
	texts := append([]string{s.Body, s.Caption, s.Subject, s.Description}, s.Variables...)
	if s.FallbackTemplate != nil {
		texts = append(texts, s.FallbackTemplate.Variables...)
	}
	return texts
}

// SendingHours are when a step may run: on some weekdays, between two times of day.
type SendingHours struct {
	From       *calendar.Clock `json:"from" doc:"From this time of day on; null for its start." example:"09:00"`
	Until      *calendar.Clock `json:"until" doc:"Before this time of day; null for its end." example:"18:00"`
	Weekdays   []int64         `json:"weekdays" nullable:"false" doc:"On these days: 1 is Monday, 7 is Sunday; [] for all." example:"[1,2,3,4,5]"`
	OnHolidays bool            `json:"on_holidays" doc:"Whether on holidays, too." example:"false"`
}

// plan is a version of a sequence as the engine follows it.
type plan struct {
	name              string
	active            bool
	deleted           bool
	exitOnReply       bool
	exitOnStageChange bool
	steps             []Step // by position
}

// step is the step at a position; nil beyond the last one, which is the end.
func (p *plan) step(position int64) *Step {
	if position < 1 || position > int64(len(p.steps)) {
		return nil
	}
	return &p.steps[position-1]
}

// branch is the position that a branch of the step at from leads to.
func (p *plan) branch(from int64, to *int64) int64 {
	switch {
	case to == nil:
		return from + 1
	case *to == 0:
		return int64(len(p.steps)) + 1
	default:
		return *to
	}
}

// stored is how a step's details are kept in the database.
func (s *Step) stored() (hours *string, settings string, err error) {
	raw, err := json.Marshal(s.Settings)
	if err != nil {
		return nil, "", fmt.Errorf("writing the settings of a step: %w", err)
	}
	if s.SendingHours != nil {
		text, err := json.Marshal(s.SendingHours)
		if err != nil {
			return nil, "", fmt.Errorf("writing the hours of a step: %w", err)
		}
		hours = new(string(text))
	}
	return hours, string(raw), nil
}

// read takes a step's details from what was stored.
func (s *Step) read(hours *string, settings string) error {
	if err := json.Unmarshal([]byte(settings), &s.Settings); err != nil {
		return fmt.Errorf("the settings of step %d: %w", s.ID, err)
	}
	if hours != nil {
		if err := json.Unmarshal([]byte(*hours), &s.SendingHours); err != nil {
			return fmt.Errorf("the hours of step %d: %w", s.ID, err)
		}
	}
	return nil
}
