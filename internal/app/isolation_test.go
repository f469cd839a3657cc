package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"syncro/internal/accounts"
	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
)

// The account whose records nobody else may reach, and the one that tries.
const (
	owner    = 7
	stranger = 9
)

// secret stands in each text of the owner's records.
const secret = "SEGREDO"

// household is a running API with both accounts, each with a record of every kind.
type household struct {
	t        *testing.T
	app      *App
	handler  http.Handler
	document func() *huma.OpenAPI
	keys     map[int64]string
	ids      map[int64][]int64 // all ids that an account's records have, of whatever kind
}

func newHousehold(t *testing.T, d *db.DB, clock *dbtest.Clock) *household {
	h := &household{t: t, app: testApp(t, d, clock), keys: map[int64]string{}, ids: map[int64][]int64{}}
	h.handler = h.app.Handler()
	h.document = sync.OnceValue(func() *huma.OpenAPI { return h.app.router.Document("") })
	for account, text := range map[int64]string{owner: secret, stranger: "aberto"} {
		furnish(t, d, clock, account, text)
		h.ids[account] = idsOf(t, d, account) // without the key that it asks with, which it could revoke
		_, key, err := h.app.Accounts.CreateKey(t.Context(), account, accounts.NewKey{Name: text, Scopes: authz.AllScopes()})
		if err != nil {
			t.Fatal(err)
		}
		h.keys[account] = key
	}
	return h
}

// furnish gives an account one record of every kind; their ids are the account's
// number followed by two digits, so that no two accounts share one.
func furnish(t *testing.T, d *db.DB, clock *dbtest.Clock, account int64, text string) {
	t.Helper()
	actor := dbtest.Account(t, d, clock, account)
	id, stage, user, now := 1000*account, 10*account+1, actor.UserID, clock.Now()
	dbtest.Lead(t, d, clock, actor, id, text)
	dbtest.Exec(t, d, `UPDATE leads SET phone = $3, email = $4, notes = $4 WHERE account_id = $1 AND id = $2`, account, id, "+5511999887766", text+"@a.br")
	for i := range int64(2) { // two in the trash: one that is restored, and one that is removed
		trashed := id + 80 + i
		dbtest.Lead(t, d, clock, actor, trashed, text)
		dbtest.Exec(t, d, `UPDATE leads SET deleted_at = $3 WHERE account_id = $1 AND id = $2`, account, trashed, now)
	}
	dbtest.Lead(t, d, clock, actor, id+82, text)
	dbtest.Exec(t, d, `UPDATE leads SET merged_into = $3 WHERE account_id = $1 AND id = $2`, account, id+82, id)
	for _, statement := range []string{
		`INSERT INTO merges (id, account_id, primary_id, secondary_id, states, primary_visit, merged_at) VALUES ($3 + 83, $1, $3, $3 + 82, '{}', 1, $6)`,
		`INSERT INTO duplicates (id, account_id, lead_id, other_id, confidence, reasons, fingerprint, found_at)
			VALUES ($3 + 84, $1, $3, $3 + 80, 95, '[]', $2, $6)`,
		`INSERT INTO company_names (account_id, lead_id, company, name, reversed) VALUES ($1, $3, $2, $2, $2)`,
		`INSERT INTO duplicate_checks (id, account_id, lead_id) VALUES ($3 + 85, $1, $3)`,
		`INSERT INTO duplicate_scans (account_id, scanned_to) VALUES ($1, $3)`,
		`INSERT INTO merge_rows (account_id, merge_id, relation, row_id, was) VALUES ($1, $3 + 83, 'nothing', 1, $2)`,
		`UPDATE users SET name = $2 WHERE account_id = $1 AND id = $4`,
		`INSERT INTO api_keys (id, account_id, name, prefix, hash, scopes, created_at) VALUES ($3 + 90, $1, $2, 'crm_', $2, 'leads:read', $6)`,
		`INSERT INTO teams (id, account_id, name, name_key, created_at, updated_at) VALUES ($3 + 91, $1, $2, $2, $6, $6)`,
		`INSERT INTO team_members (account_id, team_id, user_id) VALUES ($1, $3 + 91, $4)`,
		`UPDATE pipelines SET name = $2 WHERE account_id = $1`,
		`UPDATE stages SET name = $2 WHERE account_id = $1 AND id = $5`,
		`INSERT INTO lead_counters (account_id, pipeline_id, stage_id, archived, slot, leads) VALUES ($1, $1, $5, FALSE, 0, 1)`,
		`INSERT INTO lead_blocks (account_id, pipeline_id, block, slot, leads) VALUES ($1, $1, $3 / 1024, 0, 1)`,
		`INSERT INTO stage_requirements (id, account_id, stage_id, subject, type, priority, due_in_days, created_at) VALUES ($3 + 1, $1, $5, $2, 'task', 'low', 1, $6)`,
		`INSERT INTO lost_reasons (id, account_id, name, sort_order, created_at) VALUES ($3 + 2, $1, $2, 1, $6)`,
		`INSERT INTO custom_fields (id, account_id, name, label, field_type, options, is_required, is_active, show_on_card, sort_order, created_at, updated_at)
			VALUES ($3 + 3, $1, 'campo', $2, 'text', '[]', FALSE, TRUE, FALSE, 1, $6, $6)`,
		`INSERT INTO sales (id, account_id, lead_id, pipeline_id, closed_by, closed_at) VALUES ($3 + 4, $1, $3, $1, $4, $6)`,
		`INSERT INTO lost_sales (id, account_id, lead_id, pipeline_id, reason_id, lost_by, lost_at) VALUES ($3 + 5, $1, $3, $1, $3 + 2, $4, $6)`,
		`INSERT INTO tasks (id, account_id, lead_id, subject, type, priority, due_date, assigned_to, created_at, updated_at)
			VALUES ($3 + 6, $1, $3, $2, 'call', 'low', '2026-07-01', $4, $6, $6)`,
		`INSERT INTO lead_events (id, account_id, lead_id, event_type, description, created_at) VALUES ($3 + 7, $1, $3, 'created', $2, $6)`,
		`INSERT INTO events (id, account_id, event_id, type, lead_id, body, created_at) VALUES ($3 + 20, $1, $2, 'lead.created', $3, '{}', $6)`,
		`INSERT INTO webhook_subscriptions (id, account_id, target_url, events, source, secret, created_at, updated_at)
			VALUES ($3 + 70, $1, 'http://127.0.0.1:9/' || $2, ' lead.won ', 'api', '', $6, $6)`,
		`INSERT INTO webhook_deliveries (id, account_id, subscription_id, event_id, event_type, cause, state, created_at, updated_at)
			VALUES ($3 + 70, $1, $3 + 70, $2, 'lead.created', 'event', 'delivered', $6, $6)`,
		`INSERT INTO record_changes (account_id, record, record_id, version, changes, performed_by, created_at) VALUES ($1, 'lead', $3, 1, '{}', $4, $6)`,
		`INSERT INTO lead_notes (id, account_id, lead_id, body, author_id, created_at) VALUES ($3 + 8, $1, $3, $2, $4, $6)`,
		`INSERT INTO products (id, account_id, name, price_cents, created_at, updated_at) VALUES ($3 + 9, $1, $2, 100, $6, $6)`,
		`INSERT INTO lead_products (id, account_id, lead_id, product_id, product_name, quantity_hundredths, unit_price_cents, discount_hundredths, created_at)
			VALUES ($3 + 10, $1, $3, $3 + 9, $2, 100, 100, 0, $6)`,
		`INSERT INTO lead_contacts (id, account_id, lead_id, name, is_primary, created_at) VALUES ($3 + 11, $1, $3, $2, TRUE, $6)`,
		`INSERT INTO sequences (id, account_id, name, channel, is_active, exit_on_reply, exit_on_stage_change, created_at, updated_at)
			VALUES ($3 + 12, $1, $2, 'whatsapp', TRUE, TRUE, FALSE, $6, $6)`,
		`INSERT INTO sequence_steps (id, account_id, sequence_id, position, type, delay_minutes, settings) VALUES ($3 + 13, $1, $3 + 12, 1, 'message', 1, '{}')`,
		`INSERT INTO sequence_enrollments (id, account_id, lead_id, sequence_id, version, status, position, previous_at, next_step_at, last_error, created_at, updated_at)
			VALUES ($3 + 40, $1, $3, $3 + 12, 1, 'active', 1, $6, $6, $2, $6, $6)`,
		`INSERT INTO sequence_runs (account_id, enrollment_id, run, position, type, outcome, reason, ran_at) VALUES ($1, $3 + 40, 1, 1, 'message', 'skipped', $2, $6)`,
		`INSERT INTO holidays (id, account_id, day, name, is_workday, created_at) VALUES ($3 + 41, $1, '2026-12-24', $2, FALSE, $6)`,
		`INSERT INTO whatsapp_instances (id, account_id, provider, display_name, is_primary, status, created_at, updated_at)
			VALUES ($3 + 14, $1, 'cloud_api', $2, TRUE, 'connected', $6, $6)`,
		`INSERT INTO whatsapp_templates (id, account_id, instance_id, name, language, category, status, body, variables_count, header_type, components, created_at, updated_at)
			VALUES ($3 + 15, $1, $3 + 14, $2, 'pt_BR', 'UTILITY', 'APPROVED', $2, 0, 'none', '[]', $6, $6)`,
		`INSERT INTO scoring_rules (id, account_id, name, event, conditions, points, cooldown_hours, is_active, created_at, updated_at)
			VALUES ($3 + 51, $1, $2, 'lead_created', '[]', 1, 0, TRUE, $6, $6)`,
		`INSERT INTO score_log (id, account_id, lead_id, rule_id, event, points, score, reason, created_at) VALUES ($3 + 52, $1, $3, $3 + 51, 'lead_created', 1, 1, $2, $6)`,
		`INSERT INTO score_decay (account_id, points_per_day, after_days, decayed_on, running_from, updated_at) VALUES ($1, 1, 1, '2026-06-30', 0, $6)`,
		`INSERT INTO conversations (id, account_id, instance_id, phone_key, phone, contact_name, lead_id, status, last_message_at, last_inbound_at, created_at, updated_at)
			VALUES ($3 + 16, $1, $3 + 14, '5511999887766', '+5511999887766', $2, $3, 'open', $6, $6, $6, $6)`,
		`INSERT INTO messages (id, account_id, conversation_id, instance_id, lead_id, direction, type, body, status, at, created_at, updated_at)
			VALUES ($3 + 17, $1, $3 + 16, $3 + 14, $3, 'in', 'text', $2, 'received', $6, $6, $6)`,
		`INSERT INTO inbound_hooks (id, account_id, instance_id, body, state, due_at, received_at) VALUES ($3 + 53, $1, $3 + 14, $2, 'done', $6, $6)`,
		`INSERT INTO media_fetches (account_id, message_id, state, due_at) VALUES ($1, $3 + 17, 'pending', $6)`,
		`INSERT INTO read_receipts (account_id, conversation_id, due_at) VALUES ($1, $3 + 16, $6)`,
		`UPDATE messages SET media_url = $2 WHERE account_id = $1`,
		`INSERT INTO media_removals (account_id, file) VALUES ($1, $2)`,
		`INSERT INTO number_checks (account_id, instance_id, phone_key, chat_id, checked_at) VALUES ($1, $3 + 14, '5511999887766', $2, $6)`,
		`INSERT INTO operations (id, account_id, kind, state, parameters, total, created_by, created_at) VALUES ($3 + 80, $1, 'bulk_action', 'done', '{}', 1, $4, $6)`,
		`INSERT INTO operation_items (account_id, operation_id, number, lead_id, outcome, message) VALUES ($1, $3 + 80, 1, $3, 'failed', $2)`,
		`INSERT INTO bulk_targets (account_id, operation_id, part, leads) VALUES ($1, $3 + 80, 1, '[]')`,
		`INSERT INTO imports (id, account_id, ready, file_name, source, row_count, columns, mapping, options, created_by, created_at)
			VALUES ($3 + 85, $1, TRUE, $2, '{}', 1, '[]', '[]', '{}', $4, $6)`,
		`INSERT INTO import_parts (account_id, import_id, part, content) VALUES ($1, $3 + 85, 1, '')`,
		`INSERT INTO import_problems (account_id, import_id, operation_id, row_number, ordinal, kind, message) VALUES ($1, $3 + 85, $3 + 80, 1, 1, 'problem', $2)`,
		`INSERT INTO import_keys (account_id, operation_id, contact_key, row_number) VALUES ($1, $3 + 80, $2, 1)`,
	} {
		execNumbered(t, d, statement, account, text, id, user, stage, now)
	}
	if d.Engine() == db.Postgres {
		dbtest.Exec(t, d, `INSERT INTO lead_tags (account_id, tag_key, lead_id) VALUES ($1, 'vip', $2)`, account, id)
		return
	}
	dbtest.Exec(t, d, `INSERT INTO search_queue (account_id, lead_id) VALUES ($1, $2)`, account, id)
	dbtest.Exec(t, d, `INSERT INTO search_generations (account_id, generation) VALUES ($1, 1)`, account)
	dbtest.Exec(t, d, `INSERT INTO tag_blocks (account_id, tag_key, block, leads) VALUES ($1, 'vip', $2, $3)`, account, id/4096, []byte{byte(id), byte(id % 4096 >> 8)})
}

var parameter = regexp.MustCompile(`\$(\d)`)

// execNumbered runs a statement that uses some of the arguments: PostgreSQL wants
// to be given only those, and their types where they are calculated with.
func execNumbered(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	var used []any
	place := map[string]int{}
	text := parameter.ReplaceAllStringFunc(statement, func(p string) string {
		if place[p] == 0 {
			used = append(used, args[p[1]-'1'])
			place[p] = len(used)
		}
		renumbered := fmt.Sprintf("$%d", place[p])
		if _, ok := args[p[1]-'1'].(int64); ok {
			renumbered += "::bigint"
		}
		return renumbered
	})
	dbtest.Exec(t, d, text, used...)
}

// sqliteOnly are the tables by which SQLite's indexes of tags and texts are kept,
// in whose place PostgreSQL has lead_tags and an index of leads.
var sqliteOnly = []string{"search_queue", "search_generations", "tag_blocks"}

// idsOf collects the ids of everything an account has, and insists that it has
// something of every kind.
func idsOf(t *testing.T, d *db.DB, account int64) (ids []int64) {
	t.Helper()
	for _, table := range accountTables(t) {
		if table == "idempotency_keys" || (d.Engine() == db.Postgres && slices.Contains(sqliteOnly, table)) || (d.Engine() == db.SQLite && table == "lead_tags") {
			continue
		}
		err := d.Read(t.Context(), func(q db.Querier) error {
			column := "id"
			if err := hasColumn(q, table, column); err != nil {
				column = "account_id"
			}
			found, err := db.Collect(q.Query(`SELECT `+column+` FROM `+table+` WHERE account_id = $1`, account), func(r *db.Rows, id *int64) { r.Scan(id) })
			if err == nil && len(found) == 0 {
				err = fmt.Errorf("account %d has nothing in %s: furnish it", account, table)
			}
			if column == "id" {
				ids = append(ids, found...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func hasColumn(q db.Querier, table, column string) error {
	var n int64
	return db.Get(q.Query(`SELECT COUNT(`+column+`) FROM `+table), &n)
}

// ask sends a request with an account's key.
func (h *household) ask(account int64, method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	request := httptest.NewRequest(method, api.Base+path, strings.NewReader(body))
	request.Header.Set("X-API-Key", h.keys[account])
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, request)
	if w.Code >= 500 {
		h.t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w
}

// further are the records that a path names besides its first one, by what furnish
// adds to their account's number.
var further = map[string]int64{"{sequence_id}": 12, "{line_id}": 10, "{contact_id}": 11, "{note_id}": 8}

// furtherUser is the user that a path names besides its record.
func furtherUser(id int64) int64 { return id/1000*10 + 1 }

// paths are a route's paths with each of some ids in the place of its record's.
func paths(route api.Route, ids []int64) (all []string) {
	for _, id := range ids {
		path := strings.NewReplacer("{id}", fmt.Sprint(id), "{tag}", "vip", "{user_id}", fmt.Sprint(furtherUser(id))).Replace(route.Path)
		for name, added := range further {
			path = strings.ReplaceAll(path, name, fmt.Sprint(id-id%1000+added))
		}
		all = append(all, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, fmt.Sprint(id)))
	}
	return slices.Compact(all) // all the same, for a route without a record
}

// view is all that an account can read.
func (h *household) view(account int64) map[string]string {
	seen := map[string]string{}
	for _, route := range h.app.router.Routes() {
		if route.Method != http.MethodGet {
			continue
		}
		for _, path := range paths(route, h.ids[account]) {
			if w := h.ask(account, route.Method, path+"?include=notes,sales,tasks,events,products,contacts,siblings,owner,conversation", ""); w.Code == http.StatusOK {
				seen[path] = w.Body.String()
			}
		}
	}
	return seen
}

func TestNoRouteReachesAnotherAccountsRecords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		h := newHousehold(t, d, clock)
		before := h.view(owner)
		if !strings.Contains(strings.Join(slices.Collect(maps.Values(before)), ""), secret) {
			t.Fatal("the owner does not see the records")
		}
		for _, route := range h.app.router.Routes() {
			if !strings.Contains(route.Path, "{") {
				h.lists(route)
				continue
			}
			for _, path := range paths(route, h.ids[owner]) {
				for _, body := range []string{"", "{}", "nonsense"} {
					if w := h.ask(stranger, route.Method, path, body); w.Code != http.StatusNotFound {
						t.Errorf("%s %s as a stranger: %d %s", route.Method, path, w.Code, w.Body)
					}
				}
			}
		}
		h.foreignReferences()
		h.ownRecords()
		if after := h.view(owner); !maps.Equal(before, after) {
			t.Errorf("the owner's records changed:\n%v\n%v", before, after)
		}
	})
}

// ownRecords makes sure that each route finds records of its own account: one
// that never finds any would look isolated.
func (h *household) ownRecords() {
	routes := slices.DeleteFunc(h.app.router.Routes(), func(r api.Route) bool { return !strings.Contains(r.Path, "{") })
	slices.SortFunc(routes, func(a, b api.Route) int { // what removes a record comes after what needs it
		return cmp.Or(strings.Compare(b.Method, a.Method), len(b.Path)-len(a.Path), strings.Compare(b.Path, a.Path)) // tasks before their lead
	})
	for _, route := range routes {
		if !slices.ContainsFunc(paths(route, h.ids[stranger]), func(path string) bool {
			return h.ask(stranger, route.Method, path, "{}").Code != http.StatusNotFound
		}) {
			h.t.Errorf("%s %s finds nothing of its own account", route.Method, route.Path)
		}
	}
}

// lists asks a list for the owner's records by their ids.
func (h *household) lists(route api.Route) {
	if route.Method != http.MethodGet {
		return
	}
	asked := []string{""}
	for _, id := range h.ids[owner] {
		asked = append(asked, fmt.Sprintf("?pipeline_id=%d", id), fmt.Sprintf("?stage_id=%d", id), fmt.Sprintf("?assigned_to=%d", id),
			fmt.Sprintf("?lead_id=%d", id), fmt.Sprintf("?instance_id=%d", id))
	}
	for _, query := range append(asked, "?q="+secret, "?q=999887766", "?tags=vip", "?status=merged", "?sort=name") {
		if w := h.ask(stranger, route.Method, route.Path+query, ""); strings.Contains(w.Body.String(), secret) {
			h.t.Errorf("%s%s shows a stranger %s", route.Path, query, w.Body)
		}
	}
}

// references are the members of bodies that name another record.
var references = []string{"pipeline_id", "stage_id", "assigned_to", "lead_id", "reason_id", "sequence_id", "instance_id", "template_id", "secondary_id", "user_id", "team_id", "product_id"}

// foreignReferences writes the stranger's own records with the owner's in each
// member that refers to one. It must be a 422, of which every writing route that
// has such members is asked.
func (h *household) foreignReferences() {
	for _, route := range h.app.router.Routes() {
		members := h.bodyMembers(route)
		for _, member := range references {
			if !slices.Contains(members, member) {
				continue
			}
			refused := false
			for _, path := range paths(route, h.ids[stranger]) {
				for _, id := range h.ids[owner] {
					w := h.ask(stranger, route.Method, path, h.body(members, member, id))
					if w.Code == http.StatusNotFound {
						break // no record of this route's kind
					}
					refused = refused || w.Code == http.StatusUnprocessableEntity
					if w.Code < 300 || strings.Contains(w.Body.String(), secret) {
						h.t.Errorf("%s %s with %s %d of another account: %d %s", route.Method, path, member, id, w.Code, w.Body)
					}
				}
			}
			if !refused {
				h.t.Errorf("%s %s never refused a foreign %s", route.Method, route.Path, member)
			}
		}
	}
}

// body is a body that would be right but for one member.
func (h *household) body(members []string, member string, id int64) string {
	right := map[string]any{
		"name": "Novo", "subject": "Nova", "type": "call", "due_date": "2026-07-01", "email": "novo@a.br", "match_by": "email",
		"pipeline_id": stranger, "stage_id": 10*stranger + 1, "assigned_to": 10*stranger + 1,
	}
	body := map[string]any{member: id}
	for name, value := range right {
		if _, set := body[name]; !set && slices.Contains(members, name) {
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// bodyMembers are the members that a route's body may have, as it is documented.
func (h *household) bodyMembers(route api.Route) (members []string) {
	document := h.document()
	item := document.Paths[route.Path]
	for method, operation := range map[string]any{"POST": item.Post, "PUT": item.Put, "PATCH": item.Patch} {
		text, err := json.Marshal(operation)
		if err != nil {
			h.t.Fatal(err)
		}
		name := regexp.MustCompile(`"requestBody":.*?"\$ref":"#/components/schemas/(\w+)"`).FindSubmatch(text)
		if method == route.Method && name != nil {
			members = slices.Collect(maps.Keys(document.Components.Schemas.Map()[string(name[1])].Properties))
		}
	}
	return members
}
