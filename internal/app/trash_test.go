package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"syncro/internal/jobs"
)

func TestADeletedLeadIsInTheTrashUntilItIsRestored(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		kept := d.lead("Novo", map[string]any{"name": "Fica"})
		first := d.lead("Proposta", map[string]any{"name": "Primeiro", "tags": []string{"vip"}, "email": "p@a.br", "custom_fields": map[string]any{"setor": "TI"}})
		second := d.lead("Novo", map[string]any{"name": "Segundo"})
		before := d.want(200, "GET", fmt.Sprintf("/leads/%d", first), nil).at("lead").(map[string]any)
		d.want(404, "POST", fmt.Sprintf("/trash/%d/restore", kept), nil)
		d.want(404, "DELETE", fmt.Sprintf("/trash/%d", kept), nil)
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", first), nil)
		d.clock.Advance(time.Minute)
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", second), nil)

		trash := d.want(200, "GET", "/trash?per_page=1&page=2", nil)
		if trash.at("meta", "total") != 2.0 || trash.at("data", 0, "name") != "Primeiro" || trash.at("data", 0, "deleted_at") != "2026-06-30T13:00:00Z" ||
			trash.at("data", 0, "purged_at") != "2026-07-30T13:00:00Z" || trash.at("data", 0, "custom_fields", "setor") != "TI" {
			t.Errorf("the trash: %s", trash.text)
		}
		if list := d.want(200, "GET", "/leads?tags=vip", nil); list.at("meta", "total") != 0.0 {
			t.Errorf("a deleted lead is listed: %s", list.text)
		}
		stale := d.do("POST", fmt.Sprintf("/trash/%d/restore", first), nil, "If-Match", `"1"`)
		if stale.status != 412 {
			t.Errorf("a stale restore: %d %s", stale.status, stale.text)
		}
		restored := d.want(200, "POST", fmt.Sprintf("/trash/%d/restore", first), nil, "If-Match", `"2"`)
		lead, _ := restored.at("lead").(map[string]any)
		for name, was := range before {
			if is := lead[name]; name != "updated_at" && fmt.Sprint(is) != fmt.Sprint(was) {
				t.Errorf("%s was %v and is %v", name, was, is)
			}
		}
		if restored.etag != `"3"` {
			t.Errorf("the version is %s", restored.etag)
		}
		if list := d.want(200, "GET", "/leads?tags=vip", nil); list.at("meta", "total") != 1.0 {
			t.Errorf("the restored lead is not listed: %s", list.text)
		}
		if total := d.want(200, "GET", "/trash", nil).at("meta", "total"); total != 1.0 {
			t.Errorf("%v leads in the trash", total)
		}
		if n := d.number(`SELECT count(*) FROM events WHERE account_id = $1 AND lead_id = $2 AND type = 'lead.restored'`, d.id, first); n != 1 {
			t.Errorf("%d events of the restore", n)
		}
		d.want(404, "POST", fmt.Sprintf("/trash/%d/restore", first), nil)
	})
}

func TestARestoreNeedsRoomInThePlan(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		first := d.lead("Novo", nil)
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", first), nil)
		d.limitLeads(1)
		second := d.lead("Novo", nil)
		if r := d.do("POST", fmt.Sprintf("/trash/%d/restore", first), nil); r.status != 422 || r.at("limit_reached") != true {
			t.Errorf("beyond the limit: %d %s", r.status, r.text)
		}
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", second), nil)
		d.want(200, "POST", fmt.Sprintf("/trash/%d/restore", first), nil)
	})
}

// history gives a lead something of everything that it can have.
func (d *desk) history(lead int64, mark string) {
	d.t.Helper()
	now := d.clock.Now()
	for _, sql := range []string{
		`INSERT INTO lead_notes (account_id, lead_id, body, created_at) VALUES ($1, $2, $3, $4)`,
		`INSERT INTO lead_contacts (account_id, lead_id, name, is_primary, created_at) VALUES ($1, $2, $3, TRUE, $4)`,
		`INSERT INTO products (account_id, name, price_cents, created_at, updated_at) VALUES ($1, $3 || $2::bigint, 100, $4, $4)`,
		`INSERT INTO lead_products (account_id, lead_id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths, created_at)
			SELECT $1::bigint, $2::bigint, max(id), $3, 100, 100, 0, $4 FROM products WHERE account_id = $1`,
		`INSERT INTO score_log (account_id, lead_id, event, points, score, reason, created_at) VALUES ($1, $2, 'lead_created', 7, 7, $3, $4)`,
		`INSERT INTO whatsapp_instances (account_id, provider, display_name, is_primary, status, created_at, updated_at)
			VALUES ($1, 'waha', $3 || $2::bigint, FALSE, 'connected', $4, $4)`,
		`INSERT INTO conversations (account_id, instance_id, phone_key, phone, lead_id, status, created_at, updated_at)
			SELECT $1::bigint, max(id), '551199988' || $2::bigint, $3, $2::bigint, 'open', $4, $4 FROM whatsapp_instances WHERE account_id = $1`,
		`INSERT INTO messages (account_id, conversation_id, instance_id, lead_id, direction, type, body, media_file, status, at, created_at, updated_at)
			SELECT $1::bigint, max(id), max(instance_id), $2::bigint, 'in', 'image', $3, $3, 'received', $4, $4, $4 FROM conversations WHERE account_id = $1`,
	} {
		used := []any{lead, mark, now}
		execNumbered(d.t, d.db, sql, append([]any{d.id}, used...)...)
	}
	d.exec(`UPDATE leads SET score = 7 WHERE account_id = $1 AND id = $2`, lead)
	task := map[string]any{"subject": mark, "type": "call", "due_date": "2026-07-01", "lead_id": lead}
	id, _ := d.want(201, "POST", "/tasks", task).at("task", "id").(float64)
	d.want(200, "PUT", fmt.Sprintf("/tasks/%d", int64(id)), map[string]any{"subject": mark + "!"})
}

func TestNothingIsLeftOfAPurgedLeadAndItsIDIsNotUsedAgain(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		const secret = "SEGREDO"
		other := d.lead("Novo", map[string]any{"name": "Outro", "phone": "+551133445566"})
		d.history(other, "aberto")
		lead := d.lead("Novo", map[string]any{"name": secret, "email": secret + "@a.br", "phone": "+551133445566", "company": secret, "tags": []string{secret}})
		d.history(lead, secret)
		d.want(200, "PUT", fmt.Sprintf("/leads/%d/won", lead), d.stage("Ganho"))
		if n := len(d.pairs()); n != 1 {
			t.Errorf("%d pairs", n)
		}
		file := filepath.Join(d.app.Inbox.MediaDir, secret)
		d.check(os.MkdirAll(filepath.Dir(file), 0o700))
		d.check(os.WriteFile(file, nil, 0o600))
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", lead), nil)

		d.clock.Advance(30*24*time.Hour - time.Second)
		d.check(d.app.purgeTrash(t.Context()))
		if _, err := os.Stat(file); err != nil || d.number(`SELECT count(*) FROM leads WHERE account_id = $1 AND id = $2`, d.id, lead) != 1 {
			t.Fatalf("purged too early: %v", err)
		}
		d.clock.Advance(time.Second)
		d.check(d.app.purgeTrash(t.Context()))
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the medium is there still: %v", err)
		}
		d.check(jobs.RunDue(t.Context(), d.app.Duplicates.Kinds()...))
		for table, rows := range d.rows() {
			if table == "events" || table == "products" || table == "whatsapp_instances" || table == "idempotency_keys" {
				continue // the log of what webhooks were told ends by age; the others are no lead's
			}
			for _, row := range rows {
				if strings.Contains(row, secret) || slices.Contains(strings.Split(row, "; "), fmt.Sprintf("lead_id=%d", lead)) {
					t.Errorf("%s holds %s", table, row)
				}
			}
		}
		for _, table := range []string{"lead_notes", "lead_contacts", "lead_products", "score_log", "messages", "conversations", "tasks", "record_changes"} {
			if n := d.number(`SELECT count(*) FROM `+table+` WHERE account_id = $1`, d.id); n != 1 {
				t.Errorf("%d rows of the other lead in %s", n, table)
			}
		}
		d.want(404, "POST", fmt.Sprintf("/trash/%d/restore", lead), nil)
		if id := d.lead("Novo", nil); id <= lead {
			t.Errorf("the id %d was given again", id)
		}
	})
}

func TestALeadInTheTrashCanBePurgedAtOnce(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		lead := d.lead("Novo", map[string]any{"name": "Some"})
		d.want(200, "DELETE", fmt.Sprintf("/leads/%d", lead), nil)
		d.want(412, "DELETE", fmt.Sprintf("/trash/%d", lead), nil, "If-Match", `"1"`)
		d.want(200, "DELETE", fmt.Sprintf("/trash/%d", lead), nil)
		d.want(404, "DELETE", fmt.Sprintf("/trash/%d", lead), nil)
		if total := d.want(200, "GET", "/leads?q=some", nil).at("meta", "total"); total != 0.0 {
			t.Errorf("a search finds %v", total)
		}
	})
}
