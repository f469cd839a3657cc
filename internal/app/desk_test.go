package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"syncro/internal/accounts"
	"syncro/internal/api/apitest"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/setup"
)

// deskSetup is what the account of a desk is set up with.
const deskSetup = `{
	"pipelines": [
		{"name": "Vendas", "stages": [
			{"name": "Novo"}, {"name": "Proposta"},
			{"name": "Documentação", "requirements": [{"subject": "Conferir documentos de {{lead_name}}", "type": "task", "priority": "high", "due_in_days": 2}]},
			{"name": "Ganho", "kind": "won"}, {"name": "Perdido", "kind": "lost"}]},
		{"name": "Pós-venda", "stages": [{"name": "Onboarding"}, {"name": "Renovado", "kind": "won"}]}],
	"lost_reasons": ["Preço alto"],
	"custom_fields": [
		{"name": "setor", "label": "Setor", "type": "text"},
		{"name": "funcionarios", "label": "Funcionários", "type": "number"}]
}`

// desk is an account of the whole program, and somebody who works at it through
// the API alone; what the API does not make is put into the database.
type desk struct {
	t     *testing.T
	app   *App
	db    *db.DB
	clock *dbtest.Clock
	id    int64
	key   string
}

// eachDesk runs a test on both engines.
func eachDesk(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, database *db.DB, clock *dbtest.Clock) { test(t, newDesk(t, database, clock)) })
}

func newDesk(t *testing.T, database *db.DB, clock *dbtest.Clock) *desk {
	t.Helper()
	c := Default()
	c.Clock, c.RateLimit, c.DataDir = clock.Now, 1_000_000, t.TempDir()
	d := &desk{t: t, app: assemble(database, c, testLog(t)), db: database, clock: clock}
	made, err := d.app.Accounts.Create(t.Context(), accounts.NewAccount{Name: "Minha Empresa", AdminName: "Ana", AdminEmail: "ana@empresa.com.br"},
		func(*db.Tx, authz.Actor) error { return nil })
	d.check(err)
	d.id = made.ID
	file, err := setup.Parse([]byte(deskSetup))
	d.check(err)
	_, err = d.app.Setup.Apply(t.Context(), made.ID, file)
	d.check(err)
	_, d.key, err = d.app.Accounts.CreateKey(t.Context(), made.ID, accounts.NewKey{Name: "test", Scopes: authz.AllScopes()})
	d.check(err)
	return d
}

func (d *desk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// reply is what the server answered.
type reply struct {
	status int
	etag   string
	text   string
	body   map[string]any
}

// at digs in the body: at("lead", "tags", 0).
func (r reply) at(path ...any) any { return apitest.Dig(r.body, path...) }

// do sends a request; headers are names and values in turn.
func (d *desk) do(method, path string, body any, headers ...string) reply {
	got := apitest.Ask(d.app.Handler(), d.key, method, path, body, headers...)
	return reply{got.Status, got.Header.Get("ETag"), got.Text, got.Body}
}

// want sends a request and demands its status.
func (d *desk) want(status int, method, path string, body any, headers ...string) reply {
	d.t.Helper()
	r := d.do(method, path, body, headers...)
	if r.status != status {
		d.t.Fatalf("%s %s: %d %s; want %d", method, path, r.status, r.text, status)
	}
	return r
}

// number reads one number of the database.
func (d *desk) number(sql string, args ...any) (n int64) {
	d.t.Helper()
	d.check(d.db.Read(d.t.Context(), func(q db.Querier) error { return db.Get(q.Query(sql, args...), &n) }))
	return n
}

// stage is the body that names a stage.
func (d *desk) stage(name string) map[string]any {
	d.t.Helper()
	stage := d.number(`SELECT id FROM stages WHERE account_id = $1 AND name = $2`, d.id, name)
	return map[string]any{"stage_id": stage, "pipeline_id": d.number(`SELECT pipeline_id FROM stages WHERE account_id = $1 AND id = $2`, d.id, stage)}
}

// lead makes a lead and gives its id.
func (d *desk) lead(stage string, fields map[string]any) int64 {
	d.t.Helper()
	body := d.stage(stage)
	body["name"] = "João Silva"
	maps.Copy(body, fields)
	id, _ := d.want(201, "POST", "/leads", body).at("lead", "id").(float64)
	return int64(id)
}

// exec runs a statement of which $1 is the account.
func (d *desk) exec(sql string, args ...any) {
	d.t.Helper()
	dbtest.Exec(d.t, d.db, sql, append([]any{d.id}, args...)...)
}

// limitLeads sets the plan's limit.
func (d *desk) limitLeads(most int64) {
	d.t.Helper()
	d.check(d.db.Write(d.t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE accounts SET max_leads = $2 WHERE id = $1`, d.id, most); err != nil {
			return err
		}
		return d.app.Accounts.SetupChanged(tx, d.id)
	}))
}

// rows are all rows of all tables of the account that hold something, each as one
// text, by table.
func (d *desk) rows() map[string][]string {
	d.t.Helper()
	all := map[string][]string{}
	for _, table := range accountTables(d.t) {
		if (d.db.Engine() == db.Postgres && slices.Contains(sqliteOnly, table)) || (d.db.Engine() == db.SQLite && table == "lead_tags") {
			continue
		}
		var columns []string
		d.check(d.db.Read(d.t.Context(), func(q db.Querier) (err error) {
			columns, err = d.columns(q, table)
			return err
		}))
		parts := make([]string, len(columns))
		for i, c := range columns {
			parts[i] = fmt.Sprintf(`'%s=' || COALESCE(CAST(%s AS TEXT), 'NULL')`, c, c)
		}
		d.check(d.db.Read(d.t.Context(), func(q db.Querier) (err error) {
			all[table], err = db.Column[string](q.Query(`SELECT `+strings.Join(parts, ` || '; ' || `)+` FROM `+table+` WHERE account_id = $1`, d.id))
			return err
		}))
		slices.Sort(all[table])
	}
	return all
}

func (d *desk) columns(q db.Querier, table string) ([]string, error) {
	if d.db.Engine() == db.SQLite {
		return db.Column[string](q.Query(`SELECT name FROM pragma_table_info($1) ORDER BY cid`, table))
	}
	return db.Column[string](q.Query(`SELECT column_name::text FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`, table))
}
