package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"syncro/internal/db"
	"syncro/internal/messaging/simulator"
	"syncro/internal/secrets"
)

// SecretKey is what the demo seals its tokens with. They are as public as its keys.
const SecretKey = "73796e63726f2064656d6f3a206e6f7468696e6720696e206974206973207365" //nolint:gosec // public on purpose

// number is how one of account 1's numbers is reached at the simulator.
type number struct {
	instance                                 int64
	provider, phone, session, phoneID, owner string
	status                                   string
}

var numbers = []number{
	{instance: 1, provider: "waha", phone: "+5511999887700", session: "default"},
	{instance: 2, provider: "cloud_api", phone: "+5521987654321", phoneID: "106540352242922", owner: "102290129340398"},
	{instance: 3, provider: "waha", phone: "+5511999887701", session: "reserva", status: "STOPPED"},
}

const (
	token       = "demo-token"
	hookSecret  = "demo-hook-secret"
	verifyToken = "demo-verify-token" //nolint:gosec // public on purpose
	apiVersion  = "v23.0"
)

// Play lets the simulator be both WhatsApp providers of a demo that is reached at
// an address, until stop is called. control plays the customers.
func Play(ctx context.Context, d *db.DB, reached string) (control http.Handler, stop func(context.Context) error, err error) {
	s := simulator.New(simulator.Config{Statuses: true})
	at, stop, err := s.Start(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	if err := connect(ctx, d, s, at, reached); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("connecting the demo's WhatsApp numbers: %w", err), stop(ctx))
	}
	return s.Control(), stop, nil
}

// connect tells the database where the simulator is, and the simulator what the
// database has.
func connect(ctx context.Context, d *db.DB, s *simulator.Simulator, at, reached string) error {
	box, err := secrets.Load(SecretKey, "")
	if err != nil {
		return err
	}
	var sealed [3]string
	for i, plain := range []string{token, hookSecret, verifyToken} {
		if sealed[i], err = box.Seal(plain); err != nil {
			return err
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		for _, n := range numbers {
			if _, err := tx.Exec(`UPDATE whatsapp_instances SET base_url = $3, session = $4, phone_number_id = $5, business_id = $6, api_version = $7,
					token_sealed = $8, hook_secret_sealed = $9, verify_token_sealed = $10, updated_at = $11 WHERE account_id = $1 AND id = $2`,
				mine, n.instance, at, text(n.session), text(n.phoneID), text(n.owner), apiVersion, sealed[0], sealed[1], sealed[2], tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	hooks := map[string]string{"waha": "/hooks/waha/", "cloud_api": "/hooks/whatsapp-cloud/"}
	for _, n := range numbers {
		told := simulator.Number{
			InstanceID: n.instance, Provider: n.provider, Phone: n.phone, Token: token, HookSecret: hookSecret, HookURL: fmt.Sprint(reached, hooks[n.provider], n.instance),
			Session: n.session, Status: n.status, PhoneNumberID: n.phoneID, BusinessID: n.owner,
		}
		if told.Templates, err = templatesOf(ctx, d, n.instance); err != nil {
			return err
		}
		s.Add(told)
	}
	return openWindows(ctx, d, s)
}

// text is a text as it is stored: NULL when there is none.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func templatesOf(ctx context.Context, d *db.DB, instance int64) (templates []simulator.Template, err error) {
	err = d.Read(ctx, func(q db.Querier) error {
		templates, err = db.Collect(q.Query(`SELECT id, name, language, category, status, body, header_type FROM whatsapp_templates
			WHERE account_id = $1 AND instance_id = $2 ORDER BY id`, mine, instance), func(r *db.Rows, t *simulator.Template) {
			var id int64
			r.Scan(&id, &t.Name, &t.Language, &t.Category, &t.Status, &t.Body, &t.HeaderType)
			t.ID = fmt.Sprint(id)
		})
		return err
	})
	return templates, err
}

// openWindows says who has written when, so that the simulator counts the 24 hours
// as the database does.
func openWindows(ctx context.Context, d *db.DB, s *simulator.Simulator) error {
	return d.Read(ctx, func(q db.Querier) error {
		rows := q.Query(`SELECT instance_id, phone, last_inbound_at FROM conversations WHERE account_id = $1 AND last_inbound_at IS NOT NULL`, mine)
		for rows.Next() {
			var instance int64
			var phone string
			var at time.Time
			rows.Scan(&instance, &phone, &at)
			s.SawInbound(instance, phone, at)
		}
		return rows.Err()
	})
}
