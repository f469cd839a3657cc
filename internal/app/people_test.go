package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/accounts"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/pipelines"
)

// office is the whole API with one account that has a pipeline, and its key.
type office struct {
	t     *testing.T
	app   *App
	clock *dbtest.Clock
	id    int64
	admin int64
	key   string
}

// eachOffice runs a test on both engines.
func eachOffice(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := &office{t: t, app: testApp(t, d, clock), clock: clock}
		made, err := o.app.Accounts.Create(t.Context(), accounts.NewAccount{Name: "Minha Empresa", AdminName: "Ana", AdminEmail: "ana@a.br"},
			func(tx *db.Tx, actor authz.Actor) error {
				o.admin = actor.UserID
				return pipelines.CreateDefaults(tx, actor.AccountID)
			})
		if err != nil {
			t.Fatal(err)
		}
		o.id = made.ID
		o.key = o.newKey(accounts.NewKey{Scopes: authz.AllScopes()})
		test(t, o)
	})
}

func (o *office) newKey(n accounts.NewKey) string {
	o.t.Helper()
	n.Name = "test"
	_, key, err := o.app.Accounts.CreateKey(o.t.Context(), o.id, n)
	if err != nil {
		o.t.Fatal(err)
	}
	return key
}

// replied is what the API answered.
type replied struct {
	status int
	text   string
	body   map[string]any
}

// at digs in the body.
func (r replied) at(path ...any) any { return apitest.Dig(r.body, path...) }

func (r replied) id(noun string) int64 {
	id, _ := r.at(noun, "id").(float64)
	return int64(id)
}

// do asks with a key.
func (o *office) do(key, method, path string, body any) replied {
	got := apitest.Ask(o.app.Handler(), key, method, path, body)
	return replied{got.Status, got.Text, got.Body}
}

// want asks with the office's key and demands a status.
func (o *office) want(status int, method, path string, body any) replied {
	o.t.Helper()
	return o.wantOf(o.key, status, method, path, body)
}

func (o *office) wantOf(key string, status int, method, path string, body any) replied {
	o.t.Helper()
	r := o.do(key, method, path, body)
	if r.status != status {
		o.t.Fatalf("%s %s: %d %s; want %d", method, path, r.status, r.text, status)
	}
	return r
}

type fields = map[string]any

func (o *office) user(name, role string) int64 {
	o.t.Helper()
	return o.want(201, "POST", "/users", fields{"name": name, "email": strings.ToLower(name) + "@a.br", "role": role}).id("user")
}

// lead makes a lead in the first stage.
func (o *office) lead(more fields) int64 {
	o.t.Helper()
	board := o.want(200, "GET", "/pipelines", nil)
	body := fields{"name": "João", "pipeline_id": board.at("pipelines", 0, "id"), "stage_id": board.at("pipelines", 0, "stages", 0, "id")}
	maps.Copy(body, more)
	return o.want(201, "POST", "/leads", body).id("lead")
}

// owner is the owner's name as a lead shows it.
func (o *office) owner(lead int64) any {
	o.t.Helper()
	return o.want(200, "GET", fmt.Sprintf("/leads/%d?include=owner", lead), nil).at("lead", "owner", "name")
}

func at(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func TestUsersAreMadeChangedAndNamedInHistoryAfterTheyAreDeleted(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bad := o.want(422, "POST", "/users", fields{"name": "", "email": "ANA@a.br", "role": "boss"})
		for _, field := range []string{"name", "email", "role"} {
			if bad.at("errors", field, 0) == nil {
				t.Errorf("no problem with %s: %s", field, bad.text)
			}
		}
		bruno := o.user("Bruno", "manager")
		o.want(422, "PUT", at("/users/%d", bruno), fields{"email": "ana@A.br"})
		changed := o.want(200, "PATCH", at("/users/%d", bruno), fields{"name": "Bruno Lima", "role": "viewer"})
		if changed.at("user", "name") != "Bruno Lima" || changed.at("user", "email") != "bruno@a.br" || changed.at("user", "role") != "viewer" {
			t.Errorf("changed: %s", changed.text)
		}
		lead := o.lead(fields{"assigned_to": bruno})
		task := o.want(201, "POST", "/tasks", fields{"subject": "Ligar", "type": "call", "due_date": "2026-07-01", "assigned_to": bruno}).id("task")
		done := o.want(201, "POST", "/tasks", fields{"subject": "Feita", "type": "call", "due_date": "2026-07-01", "assigned_to": bruno}).id("task")
		o.want(200, "PUT", at("/tasks/%d/complete", done), nil)

		refused := o.want(422, "DELETE", at("/users/%d", bruno), nil)
		if refused.text != `{"message":"O usuário possui 1 lead, 1 tarefa pendente. Informe em reassign_to quem os recebe, ou null para ninguém.","leads":1,"tasks":1,"conversations":0}` {
			t.Errorf("refused: %s", refused.text)
		}
		for _, heir := range []string{fmt.Sprint(bruno), "999", "x", "-1"} {
			o.want(422, "DELETE", at("/users/%d?reassign_to=%s", bruno, heir), nil)
		}
		o.want(200, "DELETE", at("/users/%d?reassign_to=%d", bruno, o.admin), nil)
		if o.owner(lead) != "Ana" || o.want(200, "GET", at("/tasks/%d", task), nil).at("task", "assigned_user", "name") != "Ana" {
			t.Error("the lead and the task are not Ana's")
		}
		events := o.want(200, "GET", at("/leads/%d?include=events", lead), nil)
		if events.at("lead", "events", 0, "event_type") != "assigned" || events.at("lead", "events", 0, "description") != "Responsável: Ana." {
			t.Errorf("events: %s", events.text)
		}
		if o.want(200, "GET", at("/tasks/%d", done), nil).at("task", "assigned_user", "name") != "Bruno Lima" {
			t.Error("what he has done does not name him")
		}
		gone := o.want(200, "GET", at("/users/%d", bruno), nil)
		if gone.at("user", "is_active") != false || gone.at("user", "deleted_at") == nil {
			t.Errorf("a deleted user: %s", gone.text)
		}
		if list := o.want(200, "GET", "/users", nil); list.at("data", 1) != nil {
			t.Errorf("listed: %s", list.text)
		}
		o.want(404, "PUT", at("/users/%d", bruno), fields{"name": "x"})
		o.want(404, "DELETE", at("/users/%d", bruno), nil)
		o.want(422, "PUT", at("/leads/%d", lead), fields{"assigned_to": bruno})
		o.want(422, "PUT", at("/leads/%d/assign", lead), fields{"user_id": bruno})
		o.want(422, "PUT", at("/tasks/%d", task), fields{"assigned_to": bruno})
		o.user("Bruno", "viewer") // the email is free again
	})
}

func TestALeaversLeadsGoToNobodyInSlicesAndTheirCountsStayRight(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bruno := o.user("Bruno", "manager")
		const many = 450
		for range many {
			o.lead(fields{"assigned_to": bruno})
		}
		o.want(200, "DELETE", at("/users/%d?reassign_to=null", bruno), nil)
		if n := o.want(200, "GET", at("/leads?assigned_to=%d", bruno), nil).at("meta", "total"); n != 0.0 {
			t.Errorf("%v leads are still his", n)
		}
		list := o.want(200, "GET", "/leads?include=owner&per_page=200", nil)
		if list.at("meta", "total") != float64(many) || list.at("data", 0, "owner") != nil {
			t.Errorf("leads: %.300s", list.text)
		}
	})
}

func TestTheLastAdminStaysAlsoWhenTwoGoAtOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.want(422, "DELETE", at("/users/%d", o.admin), nil)
		if refused := o.want(422, "PUT", at("/users/%d", o.admin), fields{"role": "viewer"}); refused.at("message") != "A conta precisa de ao menos um administrador." {
			t.Error(refused.text)
		}
		for range 5 {
			others := []int64{o.user("Bruno", "admin"), o.user("Carla", "admin")}
			o.want(200, "PUT", at("/users/%d", o.admin), fields{"role": "viewer"})
			var wait sync.WaitGroup
			answers := make([]replied, 2)
			for i, id := range others {
				wait.Go(func() {
					if i == 0 {
						answers[i] = o.do(o.key, "DELETE", at("/users/%d", id), nil)
					} else {
						answers[i] = o.do(o.key, "PUT", at("/users/%d", id), fields{"role": "manager"})
					}
				})
			}
			wait.Wait()
			if answers[0].status+answers[1].status != 200+422 {
				t.Fatalf("both went: %s %s", answers[0].text, answers[1].text)
			}
			o.want(200, "PUT", at("/users/%d", o.admin), fields{"role": "admin"})
			for i, id := range others {
				if i == 1 || answers[0].status == 422 {
					o.want(200, "DELETE", at("/users/%d", id), nil)
				}
			}
		}
	})
}

func TestALeadIsNeverGivenToAUserWhoIsBeingDeleted(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		lead := o.lead(nil)
		for range 10 {
			bruno := o.user("Bruno", "viewer")
			var wait sync.WaitGroup
			var deleted, given replied
			wait.Go(func() { deleted = o.do(o.key, "DELETE", at("/users/%d?reassign_to=null", bruno), nil) })
			wait.Go(func() { given = o.do(o.key, "PUT", at("/leads/%d/assign", lead), fields{"user_id": bruno}) })
			wait.Wait()
			if deleted.status != 200 || !slices.Contains([]int{200, 409, 422}, given.status) {
				t.Fatalf("deleted %s, given %s", deleted.text, given.text)
			}
			if name := o.owner(lead); name != nil {
				t.Fatalf("the lead is %v's, who is deleted", name)
			}
		}
	})
}

func TestATeamGetsLeadsInTurnAlsoAtTheSameTime(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ids := []int64{o.user("Bruno", "viewer"), o.user("Carla", "viewer"), o.user("Davi", "viewer"), o.user("Eva", "viewer")}
		bad := o.want(422, "POST", "/teams", fields{"user_ids": []any{ids[0], 999}})
		if bad.at("errors", "name", 0) == nil || bad.at("errors", "user_ids.1", 0) == nil {
			t.Errorf("bad: %s", bad.text)
		}
		team := o.want(201, "POST", "/teams", fields{"name": "Vendas", "user_ids": ids[:3]}).id("team")
		o.want(422, "POST", "/teams", fields{"name": "VENDAS"})
		empty := o.want(201, "POST", "/teams", fields{"name": "Vazio"}).id("team")

		lead := o.lead(nil)
		assign := at("/leads/%d/assign", lead)
		for _, body := range []any{nil, fields{"team_id": nil}, fields{"user_id": 1, "team_id": team}, fields{"team_id": empty}, fields{"team_id": 999}, fields{"user_id": 999}, fields{"user_id": "x"}} {
			o.want(422, "PUT", assign, body)
		}
		o.want(400, "PUT", assign, "{")
		if given := o.want(200, "PUT", assign, fields{"user_id": ids[3]}); given.at("lead", "owner", "name") != "Eva" {
			t.Errorf("given: %s", given.text)
		}
		if taken := o.want(200, "PUT", assign, fields{"user_id": nil}); taken.at("lead", "assigned_to") != nil {
			t.Errorf("taken: %s", taken.text)
		}

		leads := make([]int64, 12)
		for i := range leads {
			leads[i] = o.lead(nil)
		}
		got := map[float64]int{}
		var mu sync.Mutex
		var wait sync.WaitGroup
		for _, id := range leads {
			wait.Go(func() {
				r := o.do(o.key, "PUT", at("/leads/%d/assign", id), fields{"team_id": team})
				mu.Lock()
				defer mu.Unlock()
				to, _ := r.at("lead", "assigned_to").(float64)
				got[to]++
			})
		}
		wait.Wait()
		for _, id := range ids[:3] {
			if got[float64(id)] != 4 {
				t.Fatalf("12 leads over three: %v", got)
			}
		}

		// The last turn was Davi's. Bruno leaves the team and Carla the account; Eva joins.
		o.want(200, "DELETE", at("/teams/%d/members/%d", team, ids[0]), nil)
		o.want(404, "DELETE", at("/teams/%d/members/%d", team, ids[0]), nil)
		o.want(200, "DELETE", at("/users/%d?reassign_to=%d", ids[1], ids[2]), nil)
		joined := o.want(200, "PUT", at("/teams/%d/members/%d", team, ids[3]), nil)
		if joined.at("team", "members", 0, "name") != "Davi" || joined.at("team", "members", 1, "name") != "Eva" || joined.at("team", "members", 2) != nil {
			t.Errorf("joined: %s", joined.text)
		}
		o.want(404, "PUT", at("/teams/%d/members/%d", team, ids[1]), nil)
		var turns []any
		for range 3 {
			turns = append(turns, o.want(200, "PUT", assign, fields{"team_id": team}).at("lead", "owner", "name"))
		}
		if fmt.Sprint(turns) != "[Eva Davi Eva]" {
			t.Errorf("turns: %v", turns)
		}
		o.want(200, "PUT", at("/teams/%d", team), fields{"user_ids": nil, "name": "Vendas II"})
		if list := o.want(200, "GET", "/teams", nil); list.at("data", 1, "name") != "Vendas II" || len(list.at("data", 1, "members").([]any)) != 0 {
			t.Errorf("list: %s", list.text)
		}
		o.want(200, "DELETE", at("/teams/%d", team), nil)
		o.want(404, "GET", at("/teams/%d", team), nil)
	})
}

func TestNobodyGetsAtMoreByWayOfAnotherKey(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bruno := o.user("Bruno", "manager")
		people := o.newKey(accounts.NewKey{Scopes: []authz.Scope{authz.UsersRead, authz.UsersWrite}})
		refused := o.wantOf(people, 403, "PATCH", at("/users/%d", bruno), fields{"role": "admin"})
		if refused.at("required_permission") != "settings:write" {
			t.Errorf("promoted without settings:write: %s", refused.text)
		}
		o.wantOf(people, 200, "PATCH", at("/users/%d", bruno), fields{"role": "viewer"})

		bound := o.newKey(accounts.NewKey{UserID: &o.admin, Scopes: authz.AllScopes()})
		o.wantOf(bound, 422, "POST", "/keys", fields{"name": "outra", "scopes": []string{"leads:read"}, "user_id": bruno})
		made := o.wantOf(bound, 201, "POST", "/keys", fields{"name": "filha", "scopes": []string{"leads:read"}})
		if made.at("key", "user_id") != float64(o.admin) {
			t.Errorf("the key of a user's key outlives him: %s", made.text)
		}
	})
}

func TestAKeyGivesNoMoreThanItHas(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		end := o.clock.Now().Add(48 * time.Hour)
		own := o.newKey(accounts.NewKey{Scopes: []authz.Scope{authz.SettingsWrite, authz.SettingsRead, authz.LeadsRead}, RateLimit: new(int64(100)), Expires: &end})
		bad := o.wantOf(own, 422, "POST", "/keys", fields{
			"scopes": []string{"leads:read", "leads:write", "users:write"}, "rate_limit": 101, "expires_at": "2027-12-31", "user_id": 999,
		})
		for field, problem := range map[string]string{
			"name": "The name field is required.", "scopes": "The API key itself lacks the scopes: leads:write, users:write.",
			"user_id": "The selected user id is invalid.", "rate_limit": "The rate limit field must not be greater than 100.",
			"expires_at": "The expires at field must be a date before or equal to 2026-07-02T13:00:00Z.",
		} {
			if bad.at("errors", field, 0) != problem {
				t.Errorf("%s: %v", field, bad.at("errors", field))
			}
		}
		o.wantOf(own, 422, "POST", "/keys", fields{"name": "x", "scopes": []string{"all"}})
		o.wantOf(own, 422, "POST", "/keys", fields{"name": "x", "scopes": []string{}})
		o.wantOf(own, 422, "POST", "/keys", fields{"name": "x", "expires_at": "2020-01-01"})
		o.wantOf(own, 422, "POST", "/keys", fields{"name": "x", "expires_at": "soon"})
		o.wantOf(own, 400, "POST", "/keys", "{")

		made := o.wantOf(own, 201, "POST", "/keys", fields{"name": "painel"})
		if made.at("key", "expires_at") != "2026-07-02T13:00:00Z" || fmt.Sprint(made.at("key", "scopes")) != "[leads:read]" || made.at("key", "state") != "active" {
			t.Errorf("made: %s", made.text)
		}
		secret, _ := made.at("api_key").(string)
		o.wantOf(secret, 200, "GET", "/leads", nil)
		o.wantOf(secret, 403, "GET", "/keys", nil)
		for _, where := range []string{"/keys", at("/keys/%d", made.id("key"))} {
			if shown := o.want(200, "GET", where, nil); strings.Contains(shown.text, secret) || strings.Contains(shown.text, accounts.HashKey(secret)) {
				t.Errorf("%s shows the key: %s", where, shown.text)
			}
		}
		// A key with few requests a minute makes none with the server's many.
		slow := o.newKey(accounts.NewKey{Scopes: authz.AllScopes(), RateLimit: new(int64(7))})
		if made := o.wantOf(slow, 201, "POST", "/keys", fields{"name": "x"}); made.at("key", "rate_limit") != 7.0 {
			t.Errorf("made: %s", made.text)
		}
		// Neither does it take over one that can do more.
		wide := o.want(201, "POST", "/keys", fields{"name": "x"}).id("key")
		taken := o.wantOf(own, 422, "POST", at("/keys/%d/rotate", wide), nil)
		if taken.at("errors", "scopes", 0) == nil || taken.at("errors", "rate_limit") != nil {
			t.Errorf("taken over: %s", taken.text)
		}

		o.want(200, "DELETE", at("/keys/%d", made.id("key")), nil)
		o.wantOf(secret, 401, "GET", "/leads", nil)
		o.want(200, "DELETE", at("/keys/%d", made.id("key")), nil)
		o.want(404, "DELETE", "/keys/999", nil)
		if revoked := o.want(200, "GET", at("/keys/%d", made.id("key")), nil); revoked.at("key", "state") != "revoked" {
			t.Errorf("revoked: %s", revoked.text)
		}
	})
}

func TestARotatedKeyWorksUntilTheOverlapEndsAndIsRotatedOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		made := o.want(201, "POST", "/keys", fields{"name": "n8n", "scopes": []string{"leads:read", "settings:write"}})
		old, _ := made.at("api_key").(string)
		rotate := at("/keys/%d/rotate", made.id("key"))
		for _, minutes := range []any{-1, 10081, "x"} {
			o.want(422, "POST", rotate, fields{"overlap_minutes": minutes})
		}
		answers := make([]replied, 6)
		var wait sync.WaitGroup
		for i := range answers { // by itself and by another one
			wait.Go(func() { answers[i] = o.do([]string{old, o.key}[i%2], "POST", rotate, fields{"overlap_minutes": 30}) })
		}
		wait.Wait()
		var fresh string
		for _, r := range answers {
			switch key, _ := r.at("api_key").(string); {
			case r.status == 201 && fresh == "":
				fresh = key
			case r.status != 422 || r.at("replaced_by") == nil:
				t.Fatalf("rotated twice: %s", r.text)
			}
		}
		o.wantOf(fresh, 200, "GET", "/leads", nil)
		o.clock.Advance(30*time.Minute - time.Second)
		o.wantOf(old, 200, "GET", "/leads", nil)
		o.clock.Advance(time.Second)
		o.wantOf(old, 401, "GET", "/leads", nil)
		o.wantOf(fresh, 200, "GET", "/leads", nil)

		next := o.wantOf(fresh, 201, "POST", at("/keys/%v/rotate", o.want(200, "GET", at("/keys/%d", made.id("key")), nil).at("key", "replaced_by")), fields{"overlap_minutes": 0})
		o.wantOf(fresh, 401, "GET", "/leads", nil)
		again, _ := next.at("api_key").(string)
		o.wantOf(again, 200, "GET", "/leads", nil)
		o.want(404, "POST", "/keys/999/rotate", nil)
	})
}

func TestAKeyThatActsAsAUserIsCappedByHisRoleAndEndsWithHim(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		bruno := o.user("Bruno", "manager")
		made := o.want(201, "POST", "/keys", fields{"name": "Bruno", "user_id": bruno, "scopes": []string{"leads:read", "leads:write", "users:read", "users:write"}})
		key, _ := made.at("api_key").(string)
		lead := o.lead(nil)
		o.wantOf(key, 200, "PUT", at("/leads/%d", lead), fields{"company": "ACME"})
		events := o.want(200, "GET", at("/leads/%d?include=events", lead), nil)
		if events.at("lead", "events", 0, "performed_by") != float64(bruno) || events.at("lead", "events", 1, "performed_by") != float64(o.admin) {
			t.Errorf("events: %s", events.text)
		}
		if refused := o.wantOf(key, 403, "POST", "/users", nil); refused.at("required_permission") != "users:write" {
			t.Error(refused.text)
		}
		o.want(200, "PUT", at("/users/%d", bruno), fields{"role": "viewer"})
		o.wantOf(key, 403, "PUT", at("/leads/%d", lead), fields{"company": "B"})
		o.wantOf(key, 200, "GET", "/leads", nil)
		o.want(200, "PUT", at("/users/%d", bruno), fields{"role": "admin"})
		o.wantOf(key, 422, "POST", "/users", nil)
		o.want(200, "DELETE", at("/users/%d", bruno), nil)
		o.wantOf(key, 401, "GET", "/leads", nil)
	})
}

func TestSettingsAreChangedAtOnceAndLimitsAreOnlyShown(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.lead(nil)
		if shown := o.want(200, "GET", "/account/settings", nil); shown.text != `{"success":true,"settings":{"name":"Minha Empresa","time_zone":"America/Sao_Paulo","phone_region":"BR",`+
			`"limits":{"plan":"standard","max_leads":null,"leads":1,"rate_limit":1000000}}}` {
			t.Error(shown.text)
		}
		bad := o.want(422, "PUT", "/account/settings", fields{"name": "", "time_zone": "Local", "phone_region": "XX"})
		for _, field := range []string{"name", "time_zone", "phone_region"} {
			if bad.at("errors", field, 0) == nil {
				t.Errorf("no problem with %s: %s", field, bad.text)
			}
		}
		changed := o.want(200, "PATCH", "/account/settings", fields{"name": "Outra", "time_zone": "America/Manaus", "phone_region": "us", "plan": "free", "limits": fields{"max_leads": 5}})
		if changed.at("settings", "name") != "Outra" || changed.at("settings", "phone_region") != "US" || changed.at("settings", "limits", "plan") != "standard" || changed.at("settings", "limits", "max_leads") != nil {
			t.Error(changed.text)
		}
		o.want(200, "GET", "/account", nil)
		if lead := o.want(200, "GET", at("/leads/%d", o.lead(fields{"phone": "(212) 555-2368"})), nil); lead.at("lead", "phone") != "+12125552368" {
			t.Errorf("a phone of New York: %s", lead.text)
		}
		// The same contact, whatever way its number is written.
		upsert := o.want(200, "POST", "/leads/upsert", fields{"phone": "+1 212 555 2368", "company": "ACME", "match_by": "phone"})
		if upsert.at("created") != false {
			t.Error(upsert.text)
		}
		o.want(200, "POST", "/leads/upsert", fields{"phone": "212.555.2368", "company": "ACME", "match_by": "phone"})
	})
}
