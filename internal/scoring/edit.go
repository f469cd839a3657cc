package scoring

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// ConditionFields are a condition as it is sent. What can be compared says
// [Condition]; the rule checks it.
type ConditionFields struct {
	Field    input.Field[string] `json:"field" required:"true" maxLength:"200" doc:"source, value, tag, has_email, has_company, has_phone, message_type or custom_fields.<name>." example:"source"`
	Operator input.Field[string] `json:"operator" required:"true" enum:"equals,not_equals,gt,gte,lt,lte,contains,not_contains" doc:"How it is compared." example:"equals"`
	Value    input.Field[string] `json:"value" required:"true" maxLength:"255" doc:"With what: true or false for has_email and its like." example:"site"`
}

// RuleFields are the body of POST /scoring/rules.
type RuleFields struct {
	Name   input.Field[string] `json:"name" required:"true" maxLength:"191" doc:"What it is called in the log." example:"Veio do site"`
	Event  input.Field[string] `json:"event" required:"true" enum:"message_received,message_media_received,lead_created,profile_complete,stage_advanced,stage_regressed,lead_won,lead_lost,task_completed" doc:"What it waits for." example:"lead_created"`
	Points input.Field[int64]  `json:"points" required:"true" minimum:"-10000" maximum:"10000" doc:"What the lead gets; may be negative." example:"10"`
	RuleDetails
}

// RuleChanges are the body of PUT and PATCH /scoring/rules/{id}.
type RuleChanges struct {
	Name   input.Field[string] `json:"name" whenSent:"required" maxLength:"191" doc:"What it is called in the log." example:"Veio do site"`
	Event  input.Field[string] `json:"event" whenSent:"required" enum:"message_received,message_media_received,lead_created,profile_complete,stage_advanced,stage_regressed,lead_won,lead_lost,task_completed" doc:"What it waits for." example:"lead_created"`
	Points input.Field[int64]  `json:"points" whenSent:"required" minimum:"-10000" maximum:"10000" doc:"What the lead gets; may be negative." example:"10"`
	RuleDetails
}

// RuleDetails are what every write of a rule accepts alike.
type RuleDetails struct {
	Conditions    input.Field[[]ConditionFields] `json:"conditions" maxItems:"20" doc:"All of them must hold; null or [] for none."`
	CooldownHours input.Field[int64]             `json:"cooldown_hours" minimum:"0" maximum:"8784" doc:"For how many hours it rests for a lead after it has fired for it (default 0)." example:"24"`
	IsActive      input.Field[bool]              `json:"is_active" doc:"Whether it fires (default true)." example:"true"`
}

// DecayFields are the body of PUT and PATCH /scoring/decay.
type DecayFields struct {
	PointsPerDay input.Field[int64] `json:"points_per_day" whenSent:"required" minimum:"0" maximum:"1000" doc:"Points that each day without activity costs; 0: none." example:"2"`
	AfterDays    input.Field[int64] `json:"after_days" whenSent:"required" minimum:"0" maximum:"3650" doc:"After how many days without activity it begins." example:"30"`
}

// Rules gives the account's rules, by id.
func (s *Service) Rules(ctx context.Context, actor authz.Actor) (rules []Rule, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		rules, err = selectRules(q, actor.AccountID)
		return err
	})
	return rules, err
}

// Rule gives a rule.
func (s *Service) Rule(ctx context.Context, actor authz.Actor, id int64) (r Rule, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		r, err = findRule(q, actor, id)
		return err
	})
	return r, err
}

// AddRule makes a rule of what was sent.
func (s *Service) AddRule(ctx context.Context, actor authz.Actor, form *input.Form[RuleFields]) (Rule, error) {
	if err := form.Malformed(); err != nil {
		return Rule{}, err
	}
	f, whole := &form.Fields, *form
	r := Rule{Name: f.Name.Value, Event: Event(f.Event.Value), Points: f.Points.Value, Active: true}
	f.apply(&r)
	whole.Problems = together(form.Problems, r)
	if err := whole.Err(); err != nil {
		return Rule{}, err
	}
	return s.CreateRule(ctx, actor, r)
}

// ChangeRule changes what was sent of a rule. Its cooldowns go on; what it has
// given stays.
func (s *Service) ChangeRule(ctx context.Context, actor authz.Actor, id int64, form *input.Form[RuleChanges]) (r Rule, err error) {
	f := &form.Fields
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if r, err = lockRule(tx, actor, id); err != nil {
			return err
		}
		if err := form.Malformed(); err != nil {
			return err
		}
		if f.Name.Given() {
			r.Name = f.Name.Value
		}
		if f.Event.Given() {
			r.Event = Event(f.Event.Value)
		}
		if f.Points.Given() {
			r.Points = f.Points.Value
		}
		f.apply(&r)
		whole := *form
		whole.Problems = together(form.Problems, r)
		if err := whole.Err(); err != nil {
			return err
		}
		r.UpdatedAt = calendar.Instant{Time: tx.Now()}
		if err := updateRule(tx, actor, &r); err != nil {
			return fmt.Errorf("storing scoring rule %d: %w", id, err)
		}
		return s.accounts.SetupChanged(tx, actor.AccountID)
	})
	return r, err
}

// DeleteRule removes a rule. What it has given stays, and so do its lines in the log.
func (s *Service) DeleteRule(ctx context.Context, actor authz.Actor, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := removeRule(tx, actor, id); err != nil {
			return err
		}
		return s.accounts.SetupChanged(tx, actor.AccountID)
	})
}

// apply sets what was sent.
func (d *RuleDetails) apply(r *Rule) {
	if d.Conditions.Sent {
		r.Conditions = []Condition{}
		for _, c := range d.Conditions.Value {
			r.Conditions = append(r.Conditions, Condition{c.Field.Value, Operator(c.Operator.Value), c.Value.Value})
		}
	}
	if d.CooldownHours.Sent {
		r.CooldownHours = d.CooldownHours.Value
	}
	if d.IsActive.Given() {
		r.Active = d.IsActive.Value
	}
}

// together are the problems of a form and those of the rule that was made of it,
// at most one for each member.
func together(found faults.Bag, r Rule) faults.Bag {
	all, own := found.Clone(), r.check()
	for _, p := range own.Problems() {
		if !found.Has(p.Field) {
			all.Add(p.Field, p.Message)
		}
	}
	return all
}

// Decay gives the account's decay.
func (s *Service) Decay(ctx context.Context, actor authz.Actor) (d Decay, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		d, err = findDecay(q, actor)
		return err
	})
	return d, err
}

// ChangeDecay changes what was sent of the account's decay.
func (s *Service) ChangeDecay(ctx context.Context, actor authz.Actor, form *input.Form[DecayFields]) (Decay, error) {
	if err := form.Err(); err != nil {
		return Decay{}, err
	}
	d, err := s.Decay(ctx, actor)
	if err != nil {
		return Decay{}, err
	}
	if form.Fields.PointsPerDay.Given() {
		d.PointsPerDay = form.Fields.PointsPerDay.Value
	}
	if form.Fields.AfterDays.Given() {
		d.AfterDays = form.Fields.AfterDays.Value
	}
	return d, s.SetDecay(ctx, actor, d)
}

// LogLine is a line of the log of a lead's score: why it moved.
type LogLine struct {
	ID        int64            `json:"id" doc:"Identifier of the line." example:"77"`
	RuleID    *int64           `json:"rule_id" doc:"The rule that fired; null for decay, and when it is deleted." example:"4"`
	Event     string           `json:"event" doc:"What happened; decay when nothing did." example:"lead_created"`
	Points    int64            `json:"points" doc:"What the rule gives; a score never falls below 0." example:"10"`
	Score     int64            `json:"score" doc:"The score after all that this event did." example:"35"`
	Reason    string           `json:"reason" doc:"Why, in words." example:"Veio do site; source equals \"site\" (site)"`
	CreatedAt calendar.Instant `json:"created_at" doc:"When it was."`
}

// Log gives the log of a lead's score from place offset on, newest first, and how
// many lines it has.
func (s *Service) Log(ctx context.Context, actor authz.Actor, leadID, limit, offset int64) (lines []LogLine, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := leads.Find(q, actor, leadID); err != nil {
			return err
		}
		lines, total, err = selectLog(q, actor, leadID, limit, offset)
		return err
	})
	return lines, total, err
}
