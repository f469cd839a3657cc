package leads_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/leads"
)

// TestListsAndLookUpsAreServedByIndexes asks both engines for the plans of the
// statements that a million leads would make slow without an index.
func TestListsAndLookUpsAreServedByIndexes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.fill(t, 3000)
		const listed = ` AND deleted_at IS NULL AND merged_into IS NULL`
		account := w.mine.id
		stage, pipeline := w.mine.stage(t, "Proposta")
		for _, c := range []struct {
			name, sql string
			args      []any
			index     string
		}{
			{"a pipeline's first page", `SELECT id FROM leads WHERE account_id = $1` + listed + ` AND pipeline_id = $2 ORDER BY id DESC LIMIT 50`, []any{account, pipeline}, "leads_by_pipeline"},
			{"a stage's first page", `SELECT id FROM leads WHERE account_id = $1` + listed + ` AND stage_id = $2 ORDER BY id DESC LIMIT 50`, []any{account, stage}, "leads_by_stage"},
			{"an email", `SELECT id FROM leads WHERE account_id = $1 AND email_key = $2` + listed, []any{account, "l7@x.com.br"}, "leads_by_email"},
			{"a phone", `SELECT id FROM leads WHERE account_id = $1 AND phone_key = $2` + listed, []any{account, "5511900000007"}, "leads_by_phone"},
			{"the changes of the last minute", `SELECT id FROM leads WHERE account_id = $1` + listed + ` AND updated_at >= $2 ORDER BY updated_at DESC, id DESC LIMIT 50`, []any{account, clock.Now().Add(time.Hour)}, "leads_by_update"},
			{"by name", `SELECT id FROM leads WHERE account_id = $1` + listed + ` ORDER BY name_key ASC, id DESC LIMIT 50`, []any{account}, "leads_by_name"},
			{"mandatory tasks", `SELECT id FROM tasks WHERE account_id = $1 AND lead_id = $2 AND stage_visit = 1`, []any{account, int64(1)}, "tasks_by_lead"},
			{"a lead's events", `SELECT id FROM lead_events WHERE account_id = $1 AND lead_id = $2 ORDER BY id DESC LIMIT 100`, []any{account, int64(1)}, "lead_events_by_lead"},
		} {
			if plan := w.plan(t, c.sql, c.args...); !strings.Contains(plan, c.index) {
				t.Errorf("%s is not served by %s:\n%s", c.name, c.index, plan)
			}
		}
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
				ID: int64(i + 1), Name: fmt.Sprint("Lead ", i), Email: fmt.Sprintf("l%d@x.com.br", i), Phone: fmt.Sprintf("+55119%08d", i), Tags: "[]", CustomValues: "{}",
				PipelineID: pipeline, StageID: stage, Visit: 1, StageSince: at, Version: 1, CreatedAt: at, UpdatedAt: at,
			}
			if !yield(l) {
				return
			}
		}
	})
	check(t, err)
}
