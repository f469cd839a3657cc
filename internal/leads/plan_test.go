package leads_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/input"
	"syncro/internal/leads"
)

// TestListsAndLookUpsAreServedByIndexes asks both engines for the plans of the
// statements that a million leads would make slow without an index.
func TestListsAndLookUpsAreServedByIndexes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.fill(t, 3000)
		account := w.mine.id
		stage, pipeline := w.mine.stage(t, "Proposta")
		_, full := w.mine.stage(t, "Onboarding")
		zone, err := time.LoadLocation("America/Sao_Paulo")
		check(t, err)
		served := func(name, index, sql string, args ...any) {
			t.Helper()
			if plan := w.plan(t, sql, args...); !strings.Contains(plan, index) {
				t.Errorf("%s is not served by %s:\n%s", name, index, plan)
			}
		}
		type lists map[string]leads.Filters
		page := api.PageQuery{Page: input.Of(int64(25))}
		cases := map[string]lists{
			"leads_by_pipeline": {"a pipeline": {Criteria: leads.Criteria{PipelineID: input.Of(pipeline)}}},
			"leads_by_stage":    {"a stage": {Criteria: leads.Criteria{StageID: input.Of(stage)}}, "a kind of stage": {Criteria: leads.Criteria{Status: input.Of("won")}}},
			"leads_by_update":   {"the latest changes": {Criteria: leads.Criteria{UpdatedSince: input.Of(clock.Now().Add(45 * time.Minute).Format(time.RFC3339))}, Sort: input.Of("-updated_at")}},
			"leads_by_creation": {"sort=created_at": {Sort: input.Of("created_at")}},
			"leads_by_name":     {"sort=name": {Sort: input.Of("name")}, "sort=-name": {Sort: input.Of("-name")}},
			"leads_by_value":    {"sort=value": {Sort: input.Of("value")}, "sort=-value": {Sort: input.Of("-value")}},
			"leads_by_score":    {"sort=-score": {Sort: input.Of("-score")}},
			"leads_archived":    {"status=archived": {Criteria: leads.Criteria{Status: input.Of("archived")}}},
		}
		if d.Engine() == db.Postgres { // on SQLite these are several statements
			cases["lead_tags_pkey"] = lists{"a tag": {Criteria: leads.Criteria{Tags: input.Of([]string{"vip"})}}}
			cases["lead_blocks"] = lists{"a pipeline's page 25": {Criteria: leads.Criteria{PipelineID: input.Of(full)}, PageQuery: page}, "page 25": {PageQuery: page}}
		}
		for index, lists := range cases {
			for name, f := range lists {
				statement, err := w.leads.PageStatement(t.Context(), authz.Actor{AccountID: account, UserID: w.mine.user, Location: zone}, &f)
				check(t, err)
				served(name, index, statement.SQL, statement.Args...)
			}
		}
		const listed = ` AND deleted_at IS NULL AND merged_into IS NULL`
		served("an email", "leads_by_email", `SELECT id FROM leads WHERE account_id = $1 AND email_key = $2`+listed+leads.MatchOrder, account, "l7@x.com.br")
		served("a phone", "leads_by_phone", `SELECT id FROM leads WHERE account_id = $1 AND phone_key = $2`+listed+leads.MatchOrder, account, "5511900000007")
		served("mandatory tasks", "tasks_by_lead", `SELECT id FROM tasks WHERE account_id = $1 AND lead_id = $2 AND stage_visit = 1`, account, int64(1))
		served("a lead's events", "lead_events_by_lead", `SELECT id FROM lead_events WHERE account_id = $1 AND lead_id = $2 ORDER BY id DESC LIMIT 100`, account, int64(1))
	})
}

// plan is the engine's plan of a statement.
func (w *world) plan(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var lines []string
	check(t, w.db.Read(t.Context(), func(q db.Querier) (err error) {
		if w.db.Engine() == db.Postgres {
			lines, err = db.Column[string](q.Query("EXPLAIN "+sql, args...))
			return err
		}
		lines, err = db.Collect(q.Query("EXPLAIN QUERY PLAN "+sql, args...), func(r *db.Rows, line *string) {
			var id, parent, unused int64
			r.Scan(&id, &parent, &unused, line)
		})
		return err
	}))
	return strings.Join(lines, "\n")
}

// fill loads so many leads into the first account, every 30th of them into Proposta.
func (w *world) fill(t *testing.T, n int) {
	t.Helper()
	proposta, vendas := w.mine.stage(t, "Proposta")
	onboarding, other := w.mine.stage(t, "Onboarding")
	_, err := leads.Load(context.Background(), w.db, w.mine.id, func(yield func(*leads.Lead) bool) {
		for i := range n {
			stage, pipeline := onboarding, other
			if i%30 == 0 {
				stage, pipeline = proposta, vendas
			}
			at := w.clock.Now().Add(time.Duration(i) * time.Second)
			l := &leads.Lead{
				ID: int64(i + 1), Name: fmt.Sprint("Lead ", i), Email: fmt.Sprintf("l%d@x.com.br", i), Phone: fmt.Sprintf("+55119%08d", i), Tags: `["vip"]`, CustomValues: "{}",
				PipelineID: pipeline, StageID: stage, Visit: 1, StageSince: at, Version: 1, CreatedAt: at, UpdatedAt: at,
			}
			if !yield(l) {
				return
			}
		}
	})
	check(t, err)
}
