package messaging

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/leads"
)

// plan is what would happen if a message were sent now, and all that is in its
// way. Making it changes nothing; the program's decisions about sending are in it.
type plan struct {
	order
	lead         *leads.Lead // nil for a conversation without one
	phone, key   string      // "" when there is none
	instance     *Instance   // nil when there is none to send by
	conversation *Conversation
	check        *numberCheck // what the provider has said of the phone lately
	template     *Template
	text         string // what is shown of the message: its text, caption or filled-in template

	problems faults.Bag   // with what was asked for
	skips    []SkipReason // why it cannot go out all the same
}

// order is what is to be sent to whom, in one form for all kinds.
type order struct {
	leadID         int64
	conversationID *int64
	instanceID     *int64
	pinned         *int64 // the number that an earlier plan has chosen
	kind           Kind
	body           string
	mediaURL       string
	fileName       string
	caption        string
	templateID     int64
	variables      []string
	headerMediaURL string
	sentBy         SentBy
	overrideOptOut bool
	ref            string
}

// limits of the texts (whatsapp-providers.md, "Meta Cloud API").
const (
	maxText    = 4096
	maxCaption = 1024
)

// plan finds out what would happen now. Its errors are that there is no such lead
// or conversation, or that the database fails.
func (s *Service) plan(q db.Querier, actor authz.Actor, o order, now time.Time) (*plan, error) {
	p := &plan{order: o}
	if err := p.findRecipient(q, actor); err != nil {
		return nil, err
	}
	if err := p.readContent(q, actor); err != nil {
		return nil, err
	}
	instances, err := s.instances(q, actor)
	if err != nil {
		return nil, fmt.Errorf("reading the numbers: %w", err)
	}
	p.choose(instances)
	if err := p.findConversation(q, actor); err != nil {
		return nil, err
	}
	p.test(now)
	return p, nil
}

// findRecipient reads the lead, the conversation that is named, and the phone.
func (p *plan) findRecipient(q db.Querier, actor authz.Actor) (err error) {
	if p.conversationID != nil {
		if p.conversation, err = findConversation(q, actor, *p.conversationID); err != nil {
			return err
		}
		p.phone, p.key = p.conversation.Phone, p.conversation.PhoneKey
		if p.leadID == 0 && p.conversation.LeadID != nil {
			p.lead, err = leads.Find(q, actor, *p.conversation.LeadID)
			if faults.Is(err, faults.NotFound) {
				return nil // in the trash: the conversation goes on without it
			}
			return err
		}
	}
	if p.leadID == 0 {
		return nil
	}
	if p.lead, err = leads.Find(q, actor, p.leadID); err != nil {
		return err
	}
	if p.conversation == nil && strings.HasPrefix(p.lead.Phone, "+") { // a text that is no number was stored as sent
		p.phone, p.key = p.lead.Phone, phoneKey(p.lead.Phone)
	}
	return nil
}

// readContent checks what is to be sent and puts its text together.
func (p *plan) readContent(q db.Querier, actor authz.Actor) error {
	switch p.kind {
	case KindTemplate:
		return p.readTemplate(q, actor)
	case KindText:
		p.text = p.body
		if p.body == "" {
			p.problems.Required("body")
		}
		p.limit("body", p.body, maxText)
	case KindImage, KindAudio, KindDocument:
		p.text = p.caption
		p.demandURL("media_url", p.mediaURL)
		p.limit("caption", p.caption, maxCaption)
	default:
		p.problems.Selected("type")
	}
	return nil
}

func (p *plan) limit(field, text string, most int) {
	if len([]rune(text)) > most {
		p.problems.Addf(field, "The %s field must not be greater than %d characters.", faults.Spoken(field), most)
	}
}

// demandURL checks the address of a medium. It is the provider that fetches it.
func (p *plan) demandURL(field, text string) {
	if text == "" {
		p.problems.Required(field)
		return
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		p.problems.Addf(field, "The %s field must be a valid URL.", faults.Spoken(field))
	}
}

func (p *plan) readTemplate(q db.Querier, actor authz.Actor) error {
	t, err := findTemplate(q, actor, p.templateID)
	if errors.Is(err, db.ErrNoRows) {
		if p.templateID != 0 { // else the form says that it is missing
			p.problems.Selected("template_id")
		}
		return nil
	}
	if err != nil {
		return err
	}
	p.template = t
	if t.Status != approved {
		p.problems.Add("template_id", "The selected template id is not approved.")
	}
	if want := int(t.VariablesCount); len(p.variables) != want {
		p.problems.Addf("variables", "The variables field must contain %d items.", want)
	} else {
		for i, value := range p.variables {
			if strings.TrimSpace(value) == "" {
				p.problems.Required(fmt.Sprintf("variables.%d", i))
			}
		}
	}
	if t.needsMedium() {
		p.demandURL("header_media_url", p.headerMediaURL)
	}
	p.text = t.Fill(p.variables)
	return nil
}

// choose picks the number.
func (p *plan) choose(instances []Instance) {
	var c choice
	switch {
	case p.pinned != nil:
		c = chooseOwn(instances, *p.pinned)
	case p.conversationID != nil:
		c = chooseOwn(instances, p.conversation.InstanceID)
	case p.kind != KindTemplate:
		c = chooseNumber(instances, p.instanceID)
	case p.template != nil:
		c = chooseForTemplate(instances, p.instanceID, p.template.InstanceID)
	case p.instanceID != nil: // the template is unknown; the number can be wrong besides
		c = chooseExplicit(instances, *p.instanceID)
	}
	p.instance = c.instance
	if p.conversationID != nil && p.template != nil && p.template.InstanceID != p.conversation.InstanceID {
		p.problems.Add("template_id", "The selected template id is not of the conversation's number.")
	}
	if c.field != "" {
		p.problems.Add(c.field, c.message)
	}
	if c.skip != "" {
		p.skips = append(p.skips, c.skip)
	}
}

// findConversation reads what our number and the customer have had so far.
func (p *plan) findConversation(q db.Querier, actor authz.Actor) (err error) {
	if p.instance == nil || p.key == "" {
		return nil
	}
	check := db.Statement{SQL: numberCheckSQL, Args: []any{actor.AccountID, p.instance.ID, p.key}}
	if p.conversation != nil {
		p.check, err = getNumberCheck(q.Query(check.SQL, check.Args...))
		return err
	}
	both := q.Pipeline(db.Statement{SQL: conversationWithSQL, Args: check.Args}, check)
	p.conversation, err = getConversation(both.Next())
	if faults.Is(err, faults.NotFound) {
		err = nil
	}
	known, err2 := getNumberCheck(both.Next())
	p.check = known
	return errors.Join(err, err2)
}

// test notes what is in the way, in the order in which it is reported.
func (p *plan) test(now time.Time) {
	var found []SkipReason
	if p.key == "" {
		found = append(found, SkipNoPhone)
	}
	if p.lead != nil && p.lead.OptedOutAt != nil && !p.overrideOptOut {
		found = append(found, SkipOptedOut)
	}
	p.skips = append(found, p.skips...) // no number, if so
	if p.instance != nil && p.instance.HasWindowRestriction && p.kind != KindTemplate && (p.conversation == nil || !p.conversation.windowOpen(now)) {
		p.skips = append(p.skips, SkipWindowClosed)
	}
	if p.check.valid(now) && p.check.chatID == "" && p.chatID() == "" {
		p.skips = append(p.skips, SkipNotOnWhatsApp)
	}
}

// chatID is where the provider has said that messages to the conversation go.
func (p *plan) chatID() string {
	if p.conversation == nil {
		return ""
	}
	return p.conversation.ChatID
}

// refusal is why the message cannot be sent: the first reason, or nil.
func (p *plan) refusal() error {
	if len(p.skips) > 0 {
		return skipped(p.skips[0])
	}
	return nil
}

// outgoing is the message as the provider is given it.
func (p *plan) outgoing(to string) Outgoing {
	out := Outgoing{To: to, Kind: p.kind, Body: p.body, MediaURL: p.mediaURL, Caption: p.caption, FileName: p.fileName}
	if p.template != nil {
		out.Template = &OutgoingTemplate{Name: p.template.Name, Language: p.template.Language, Variables: p.variables, HeaderType: p.template.HeaderType}
		if p.template.needsMedium() {
			out.Template.HeaderMediaURL = p.headerMediaURL
		}
	}
	return out
}
