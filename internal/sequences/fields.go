package sequences

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/pipelines"
	"syncro/internal/scoring"
)

// maxName is how long the name of a sequence may be.
const maxName = 191

// CreateFields are the body of POST /sequences.
type CreateFields struct {
	Name              input.Field[string]       `json:"name" required:"true" maxLength:"191" doc:"Name." example:"Boas-vindas"`
	Description       input.Field[string]       `json:"description" maxLength:"2000" doc:"What it is for." example:"Primeiro contato com quem acaba de chegar."`
	Channel           input.Field[string]       `json:"channel" enum:"whatsapp" doc:"Channel its messages go through." example:"whatsapp"`
	IsActive          input.Field[bool]         `json:"is_active" doc:"Whether it is active from the start (default false)." example:"true"`
	ExitOnReply       input.Field[bool]         `json:"exit_on_reply" doc:"Whether a lead leaves it by replying (default true)." example:"true"`
	ExitOnStageChange input.Field[bool]         `json:"exit_on_stage_change" doc:"Whether a lead leaves it by moving to another stage (default false)." example:"false"`
	Steps             input.Field[[]StepFields] `json:"steps" maxItems:"100" doc:"The steps, in order."`
}

// UpdateFields are the body of PUT /sequences/{id}: only what is sent changes.
type UpdateFields struct {
	Name              input.Field[string]       `json:"name" whenSent:"required" maxLength:"191" doc:"Name." example:"Boas-vindas"`
	Description       input.Field[string]       `json:"description" maxLength:"2000" doc:"What it is for." example:"Primeiro contato com quem acaba de chegar."`
	ExitOnReply       input.Field[bool]         `json:"exit_on_reply" whenSent:"required" doc:"Whether a lead leaves it by replying." example:"true"`
	ExitOnStageChange input.Field[bool]         `json:"exit_on_stage_change" whenSent:"required" doc:"Whether a lead leaves it by moving to another stage." example:"false"`
	Steps             input.Field[[]StepFields] `json:"steps" maxItems:"100" doc:"All steps, in order, in place of those there are. Leads that are in the sequence go on with the steps they began with."`
}

// StepFields are one step in a body.
type StepFields struct {
	Type         input.Field[string]         `json:"type" required:"true" enum:"message,template,task,action,wait_reply,condition" doc:"What it does." example:"message"`
	DelayMinutes input.Field[int64]          `json:"delay_minutes" minimum:"0" maximum:"525600" doc:"Wait before the step, counted from when the previous one ran (default 0)." example:"1440"`
	SendingHours input.Field[HoursFields]    `json:"sending_hours" doc:"When it may run, in the account's time zone; at any time when left out."`
	Settings     input.Field[SettingsFields] `json:"settings" doc:"What it does in detail, by its type."`
}

// HoursFields are sending hours in a body.
type HoursFields struct {
	From       input.Field[calendar.Clock] `json:"from" doc:"From this time of day on." example:"09:00"`
	Until      input.Field[calendar.Clock] `json:"until" doc:"Before this time of day, which is after from." example:"18:00"`
	Weekdays   input.Field[[]int64]        `json:"weekdays" maxItems:"7" doc:"On these days: 1 is Monday, 7 is Sunday; on all when left out." example:"[1,2,3,4,5]"`
	OnHolidays input.Field[bool]           `json:"on_holidays" doc:"Whether on national holidays and the account's own, too (default false)." example:"false"`
}

// TemplateFields say in a body which template is sent.
type TemplateFields struct {
	TemplateID     input.Field[int64]    `json:"template_id" doc:"template: the template to send." example:"1"`
	Variables      input.Field[[]string] `json:"variables" itemMaxLength:"1024" doc:"template: its variables, in order, with placeholders." example:"[\"{{nome}}\",\"Proposta\",\"30/07\"]"`
	HeaderMediaURL input.Field[string]   `json:"header_media_url" format:"uri" maxLength:"2000" doc:"template: the medium of its header, when it has one." example:"https://acme.com.br/foto.jpg"`
}

// SettingsFields are the settings of a step in a body; each type has its own.
type SettingsFields struct {
	Type             input.Field[string]         `json:"type" enum:"text,image,call,email,task,visit,whatsapp,meeting" doc:"message: text or image (default text). task: its type (default task)." example:"text"`
	Body             input.Field[string]         `json:"body" maxLength:"4096" doc:"message: the text, with placeholders such as {{nome}}." example:"Olá {{nome}}, que bom ter você por aqui!"`
	MediaURL         input.Field[string]         `json:"media_url" format:"uri" maxLength:"2000" doc:"message of type image: the image." example:"https://acme.com.br/foto.jpg"`
	Caption          input.Field[string]         `json:"caption" maxLength:"1024" doc:"message of type image: text below it, with placeholders." example:"Nossa loja"`
	InstanceID       input.Field[int64]          `json:"instance_id" doc:"message: number to send from; the main one when left out." example:"1"`
	FallbackTemplate input.Field[TemplateFields] `json:"fallback_template" doc:"message: template to send instead when the 24 h window is closed."`
	Fallbacks        input.Field[input.Object]   `json:"fallbacks" doc:"message, template, task: for each placeholder that a lead may have no value for, what then stands there." example:"{\"empresa\":\"sua empresa\"}"`
	TemplateFields
	Subject        input.Field[string] `json:"subject" maxLength:"255" doc:"task: what is to be done, with placeholders." example:"Ligar para {{nome}}"`
	Description    input.Field[string] `json:"description" maxLength:"2000" doc:"task: details, with placeholders." example:"Confirmar o horário da visita."`
	Priority       input.Field[string] `json:"priority" enum:"low,medium,high" doc:"task: how urgent it is (default medium)." example:"medium"`
	DueInDays      input.Field[int64]  `json:"due_in_days" minimum:"0" maximum:"3650" doc:"task: days until it is due (default 0)." example:"1"`
	AssignedTo     input.Field[int64]  `json:"assigned_to" doc:"task: who is to do it (default the lead's owner). assign_user: the new owner; nobody when left out." example:"12"`
	Action         input.Field[string] `json:"action" enum:"move_stage,add_tag,remove_tag,assign_user" doc:"action: what is changed of the lead." example:"add_tag"`
	StageID        input.Field[int64]  `json:"stage_id" doc:"move_stage: the stage." example:"7"`
	Tag            input.Field[string] `json:"tag" maxLength:"50" doc:"add_tag, remove_tag: the tag." example:"vip"`
	TimeoutMinutes input.Field[int64]  `json:"timeout_minutes" minimum:"1" maximum:"525600" doc:"wait_reply: how long it waits." example:"1440"`
	OnReplyStep    input.Field[int64]  `json:"on_reply_step" minimum:"0" doc:"wait_reply: position of the later step where it goes on after a reply; 0 ends the sequence; the next step when left out." example:"4"`
	OnTimeoutStep  input.Field[int64]  `json:"on_timeout_step" minimum:"0" doc:"wait_reply: likewise without one." example:"3"`
	Field          input.Field[string] `json:"field" maxLength:"200" doc:"condition: what of the lead is compared: source, value, tag, has_email, has_company, has_phone, stage_id, pipeline_id, assigned_to, score or custom_fields.<name>." example:"value"`
	Operator       input.Field[string] `json:"operator" enum:"equals,not_equals,gt,gte,lt,lte,contains,not_contains" doc:"condition: how." example:"gte"`
	Value          input.Field[string] `json:"value" maxLength:"255" doc:"condition: with what." example:"1000"`
	ThenStep       input.Field[int64]  `json:"then_step" minimum:"0" doc:"condition: position of the later step where it goes on if it holds; 0 ends the sequence; the next step when left out." example:"4"`
	ElseStep       input.Field[int64]  `json:"else_step" minimum:"0" doc:"condition: likewise if it does not." example:"0"`
}

// references are what steps can refer to.
type references struct {
	board  *pipelines.Board
	fields *customfields.Set
	users  *accounts.Users
}

// references gives the account's setup as it is now: sequences are seldom written.
func (s *Service) references(ctx context.Context, actor authz.Actor) (r references, err error) {
	if r.board, err = s.Pipelines.Reload(ctx, actor); err != nil {
		return r, err
	}
	if r.fields, err = s.CustomFields.Reload(ctx, actor); err != nil {
		return r, err
	}
	r.users, err = s.Accounts.ReloadUsers(ctx, actor)
	return r, err
}

// template is what a step must know of a template.
type template struct {
	variables int
	medium    bool
}

// read makes steps of what was sent, and adds what is wrong to problems.
func (r references) read(q db.Querier, actor authz.Actor, sent []StepFields, problems *faults.Bag) ([]Step, error) {
	if len(sent) == 0 {
		return nil, nil
	}
	c := checker{references: r, problems: problems, steps: int64(len(sent)), templates: map[int64]template{}, instances: map[int64]bool{}}
	rows := q.Query(`SELECT id, variables_count, header_type FROM whatsapp_templates WHERE account_id = $1`, actor.AccountID)
	for rows.Next() {
		var id, variables int64
		var header string
		rows.Scan(&id, &variables, &header)
		c.templates[id] = template{int(variables), slices.Contains([]string{"image", "video", "document"}, header)}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading templates: %w", err)
	}
	instances, err := db.Column[int64](q.Query(`SELECT id FROM whatsapp_instances WHERE account_id = $1 AND deleted_at IS NULL`, actor.AccountID))
	if err != nil {
		return nil, fmt.Errorf("reading numbers: %w", err)
	}
	for _, id := range instances {
		c.instances[id] = true
	}
	steps := make([]Step, len(sent))
	for i := range sent {
		c.position = int64(i + 1)
		steps[i] = c.step(&sent[i])
	}
	return steps, nil
}

// checker reads the steps of one body.
type checker struct {
	references
	templates map[int64]template
	instances map[int64]bool
	steps     int64
	position  int64 // of the step that is read
	problems  *faults.Bag
}

// place is the name of a member of the step that is read.
func (c *checker) place(member string) string {
	return "steps." + strconv.FormatInt(c.position-1, 10) + "." + member
}

func (c *checker) require(sent bool, member string) bool {
	if !sent && !c.problems.Has(c.place(member)) {
		c.problems.Required(c.place(member))
	}
	return sent
}

func (c *checker) refuse(member string) { c.problems.Selected(c.place(member)) }

func (c *checker) step(f *StepFields) Step {
	step := Step{Position: c.position, Type: StepType(f.Type.Value), DelayMinutes: f.DelayMinutes.Value}
	if f.SendingHours.Given() {
		h := f.SendingHours.Value
		step.SendingHours = &SendingHours{From: h.From.Ptr(), Until: h.Until.Ptr(), Weekdays: append([]int64{}, h.Weekdays.Value...), OnHolidays: h.OnHolidays.Value}
		for i, weekday := range h.Weekdays.Value {
			if weekday < 1 || weekday > 7 {
				c.refuse("sending_hours.weekdays." + strconv.Itoa(i))
			}
		}
		if h.From.Given() && h.Until.Given() && h.Until.Value <= h.From.Value {
			c.problems.Addf(c.place("sending_hours.until"), "The %s field must be a time after from.", faults.Spoken(c.place("sending_hours.until")))
		}
	}
	if c.problems.Has(c.place("settings")) { // they are no settings at all
		return step
	}
	settings := &f.Settings.Value
	switch step.Type {
	case Message:
		step.Settings = c.message(settings)
	case Template:
		step.Settings = Settings{TemplateSettings: c.template(&settings.TemplateFields, "settings.")}
	case Task:
		step.Settings = c.task(settings)
	case Action:
		step.Settings = c.action(settings)
	case WaitReply:
		c.require(settings.TimeoutMinutes.Given(), "settings.timeout_minutes")
		step.Settings = Settings{
			TimeoutMinutes: settings.TimeoutMinutes.Value,
			OnReplyStep:    c.branch(settings.OnReplyStep, "settings.on_reply_step"), OnTimeoutStep: c.branch(settings.OnTimeoutStep, "settings.on_timeout_step"),
		}
	case Condition:
		step.Settings = c.condition(settings)
	}
	c.fallbacks(&step.Settings, settings.Fallbacks)
	return step
}

// message reads the settings of a message.
func (c *checker) message(f *SettingsFields) Settings {
	s := Settings{Type: textMessage, Body: f.Body.Value, MediaURL: f.MediaURL.Value, Caption: f.Caption.Value, InstanceID: f.InstanceID.Ptr()}
	if f.Type.Given() {
		s.Type = f.Type.Value
	}
	switch s.Type {
	case textMessage:
		c.require(f.Body.Given(), "settings.body")
		s.MediaURL, s.Caption = "", ""
	case imageMessage:
		c.require(f.MediaURL.Given(), "settings.media_url")
		s.Body = ""
	default:
		c.refuse("settings.type")
	}
	if s.InstanceID != nil && !c.instances[*s.InstanceID] {
		c.refuse("settings.instance_id")
	}
	if f.FallbackTemplate.Given() {
		s.FallbackTemplate = new(c.template(&f.FallbackTemplate.Value, "settings.fallback_template."))
	}
	return s
}

// template reads which template is sent; its own problems come again when it is
// sent, for it may change at the provider.
func (c *checker) template(f *TemplateFields, place string) TemplateSettings {
	s := TemplateSettings{TemplateID: f.TemplateID.Value, Variables: f.Variables.Value, HeaderMediaURL: f.HeaderMediaURL.Value}
	if !c.require(f.TemplateID.Given(), place+"template_id") {
		return s
	}
	known, ok := c.templates[s.TemplateID]
	switch {
	case !ok:
		c.refuse(place + "template_id")
	case len(s.Variables) != known.variables:
		c.problems.Addf(c.place(place+"variables"), "The %s field must contain %d items.", faults.Spoken(c.place(place+"variables")), known.variables)
	}
	if known.medium {
		c.require(f.HeaderMediaURL.Given(), place+"header_media_url")
	}
	return s
}

// task reads the settings of a task.
func (c *checker) task(f *SettingsFields) Settings {
	c.require(f.Subject.Given(), "settings.subject")
	s := Settings{
		Type: "task", Subject: f.Subject.Value, Description: f.Description.Value, Priority: "medium", DueInDays: f.DueInDays.Value, AssignedTo: c.user(f.AssignedTo),
	}
	if f.Type.Given() {
		if s.Type = f.Type.Value; s.Type == textMessage || s.Type == imageMessage {
			c.refuse("settings.type")
		}
	}
	if f.Priority.Given() {
		s.Priority = f.Priority.Value
	}
	return s
}

// action reads the settings of an action.
func (c *checker) action(f *SettingsFields) Settings {
	s := Settings{Action: f.Action.Value}
	c.require(f.Action.Given(), "settings.action")
	switch s.Action {
	case moveStage:
		if s.StageID = f.StageID.Ptr(); c.require(f.StageID.Given(), "settings.stage_id") {
			if _, ok := c.board.Stage(*s.StageID); !ok {
				c.refuse("settings.stage_id")
			}
		}
	case addTag, removeTag:
		c.require(f.Tag.Given(), "settings.tag")
		s.Tag = f.Tag.Value
	case assignUser:
		s.AssignedTo = c.user(f.AssignedTo)
	}
	return s
}

func (c *checker) user(f input.Field[int64]) *int64 {
	if f.Given() {
		if !c.users.Active(f.Value) {
			c.refuse("settings.assigned_to")
		}
	}
	return f.Ptr()
}

// condition reads the settings of a condition.
func (c *checker) condition(f *SettingsFields) Settings {
	c.require(f.Operator.Given(), "settings.operator")
	if c.require(f.Field.Given(), "settings.field") {
		name, custom := strings.CutPrefix(f.Field.Value, "custom_fields.")
		if custom {
			_, custom = c.fields.ByName(name)
		}
		if !knownField(f.Field.Value) || (strings.HasPrefix(f.Field.Value, "custom_fields.") && !custom) {
			c.refuse("settings.field")
		}
	}
	return Settings{
		Field: f.Field.Value, Operator: scoring.Operator(f.Operator.Value), Value: f.Value.Value,
		ThenStep: c.branch(f.ThenStep, "settings.then_step"), ElseStep: c.branch(f.ElseStep, "settings.else_step"),
	}
}

// branch reads where a step leads: onward, so that no sequence goes in circles.
func (c *checker) branch(f input.Field[int64], member string) *int64 {
	if f.Given() && f.Value != 0 && (f.Value <= c.position || f.Value > c.steps) {
		c.refuse(member)
	}
	return f.Ptr()
}

// fallbacks demands that no placeholder leaves a hole.
func (c *checker) fallbacks(s *Settings, f input.Field[input.Object]) {
	names := placeholdersIn(s.texts()...)
	for _, name := range names {
		p, known := placeholders[name]
		if !known {
			_, known = customField(c.fields, name)
		}
		if !known {
			c.problems.Addf(c.place("settings"), "The placeholder {{%s}} is unknown; there are %s, and custom_fields.<name>.", name, strings.Join(placeholderNames(), ", "))
			continue
		}
		raw, _ := f.Value.Get(name)
		fallback, ok := input.Read[string](raw)
		switch {
		case ok && fallback.Given():
			if s.Fallbacks == nil {
				s.Fallbacks = map[string]string{}
			}
			s.Fallbacks[name] = fallback.Value
		case !p.always:
			c.require(false, "settings.fallbacks."+name)
		}
	}
}
