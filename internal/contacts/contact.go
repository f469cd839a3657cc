package contacts

import (
	"context"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/phones"
)

// Contact is a person behind a lead, as the lead's include shows it
// (leads-api.txt, "Extra relations").
type Contact struct {
	ID        int64   `json:"id" doc:"Contact id." example:"7"`
	Name      string  `json:"name" doc:"Name of the person." example:"Márcia Prado"`
	Role      *string `json:"role" doc:"Part in the deal." example:"Diretora financeira"`
	Phone     *string `json:"phone" doc:"Phone." example:"+551133445566"`
	Email     *string `json:"email" doc:"Email." example:"marcia@acme.com.br"`
	IsPrimary bool    `json:"is_primary" doc:"Whether this is the first person to talk to." example:"true"`
}

// Fields are the body of POST /leads/{id}/contacts.
type Fields struct {
	Name input.Field[string] `json:"name" required:"true" maxLength:"255" doc:"Name of the person." example:"Márcia Prado"`
	Details
}

// Changes are the body of PUT and PATCH /leads/{id}/contacts/{contact_id}.
type Changes struct {
	Name input.Field[string] `json:"name" whenSent:"required" maxLength:"255" doc:"Name of the person." example:"Márcia Prado"`
	Details
}

// Details are what every write of a contact accepts alike.
type Details struct {
	Role      input.Field[string] `json:"role" maxLength:"100" doc:"Part in the deal." example:"Diretora financeira"`
	Phone     input.Field[string] `json:"phone" maxLength:"20" doc:"Phone; stored as E.164 when it is a possible number." example:"+551133445566"`
	Email     input.Field[string] `json:"email" format:"email" maxLength:"191" doc:"Email." example:"marcia@acme.com.br"`
	IsPrimary input.Field[bool]   `json:"is_primary" doc:"Whether this is the first person to talk to; no other contact of the lead is then (default false)." example:"true"`
}

// Service keeps contacts. It is safe for concurrent use.
type Service struct{ db *db.DB }

// New makes the service.
func New(d *db.DB) *Service { return &Service{d} }

// List gives the contacts of a lead, the primary one first.
func (s *Service) List(ctx context.Context, actor authz.Actor, leadID int64) (contacts []Contact, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := leads.Find(q, actor, leadID); err != nil {
			return err
		}
		all, err := ForLeads(q, actor, []int64{leadID})
		contacts = all[leadID]
		return err
	})
	return contacts, err
}

// Get gives a contact of a lead.
func (s *Service) Get(ctx context.Context, actor authz.Actor, leadID, id int64) (c Contact, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := leads.Find(q, actor, leadID); err != nil {
			return err
		}
		c, err = find(q, actor, leadID, id)
		return err
	})
	return c, err
}

// Add adds a contact to a lead.
func (s *Service) Add(ctx context.Context, actor authz.Actor, leadID int64, form *input.Form[Fields]) (c Contact, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		if err := form.Err(); err != nil {
			return err
		}
		c = Contact{Name: form.Fields.Name.Value}
		form.Fields.apply(&c, actor)
		if err := alone(tx, actor, leadID, &c); err != nil {
			return err
		}
		return insert(tx, actor, leadID, &c)
	})
	return c, err
}

// Change changes what was sent of a contact; null clears.
func (s *Service) Change(ctx context.Context, actor authz.Actor, leadID, id int64, form *input.Form[Changes]) (c Contact, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		if c, err = find(tx, actor, leadID, id); err != nil {
			return err
		}
		if err := form.Err(); err != nil {
			return err
		}
		if form.Fields.Name.Given() {
			c.Name = form.Fields.Name.Value
		}
		form.Fields.apply(&c, actor)
		if err := alone(tx, actor, leadID, &c); err != nil {
			return err
		}
		return update(tx, actor, &c)
	})
	return c, err
}

// Remove takes a contact from a lead.
func (s *Service) Remove(ctx context.Context, actor authz.Actor, leadID, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := leads.HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		return remove(tx, actor, leadID, id)
	})
}

// apply sets what was sent.
func (d *Details) apply(c *Contact, actor authz.Actor) {
	if d.Role.Sent {
		c.Role = d.Role.Ptr()
	}
	if d.Phone.Sent {
		c.Phone = d.Phone.Ptr()
	}
	if d.Phone.Given() {
		c.Phone = new(phones.NormalizeIn(d.Phone.Value, actor.PhoneRegion))
	}
	if d.Email.Sent {
		c.Email = d.Email.Ptr()
	}
	if d.IsPrimary.Sent {
		c.IsPrimary = d.IsPrimary.Value
	}
}

// alone ends that others of the lead are primary, if the contact is.
func alone(tx *db.Tx, actor authz.Actor, leadID int64, c *Contact) error {
	if !c.IsPrimary {
		return nil
	}
	return unsetPrimary(tx, actor, leadID)
}
