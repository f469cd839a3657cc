package tasks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/db/dbtest"
	"syncro/internal/tasks"
)

// enter lets a lead enter a stage that demands two tasks, on its first visit. A
// third requirement was deleted since the stage was read.
func (w *world) enter(t *testing.T, lead tasks.LeadRef) {
	t.Helper()
	for _, requirement := range []int64{71, 72} {
		dbtest.Exec(t, w.db, `INSERT INTO stage_requirements (id, account_id, stage_id, subject, type, priority, due_in_days, created_at)
			VALUES ($1, 1, 11, $2, 'task', 'high', 2, $3)`, requirement, fmt.Sprint(requirement), w.clock.Now())
	}
	w.write(t, func(tx *db.Tx) error {
		return w.tasks.CreateMandatory(tx, w.ours, lead, tasks.Stage{Name: "Documentação", Requirements: []tasks.Requirement{
			{ID: 71, Subject: "Conferir documentos de {{lead_name}}", Type: "task", Priority: "high", DueInDays: 2},
			{ID: 72, Subject: "{{stage_name}}: {{lead_name}}", Type: "call", Priority: "low"},
			{ID: 73, Subject: "Não existe mais", Type: "call", Priority: "low"},
		}}, 1)
	})
}

// blocking are the tasks that keep lead 100 in its stage.
func (w *world) blocking(t *testing.T, actor authz.Actor, visit int64) (text string) {
	t.Helper()
	w.read(t, func(q db.Querier) error {
		pending, err := tasks.PendingMandatory(q, actor, 100, visit)
		if err != nil {
			return err
		}
		b, err := json.Marshal(pending)
		text = string(b)
		return err
	})
	return text
}

const (
	both       = `[{"id":1,"subject":"Conferir documentos de João","type":"task"},{"id":2,"subject":"Documentação: João","type":"call"}]`
	onlySecond = `[{"id":2,"subject":"Documentação: João","type":"call"}]`
)

func TestEnteringAStageMakesItsMandatoryTasks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		owner := int64(12)
		w.clock.Advance(13 * time.Hour) // 2026-07-01 02:00 UTC, which is still June in São Paulo
		w.enter(t, tasks.LeadRef{ID: 100, Name: "João", AssignedTo: &owner})
		if got := w.blocking(t, w.ours, 1); got != both {
			t.Errorf("the lead is blocked by %s", got)
		}
		for what, got := range map[string]string{"another visit": w.blocking(t, w.ours, 2), "another account": w.blocking(t, w.theirs, 1)} {
			if got != "null" {
				t.Errorf("%s is blocked by %s", what, got)
			}
		}
		task, err := w.tasks.Get(t.Context(), w.ours, 1)
		if err != nil || task.DueDate != "2026-07-02" || task.Priority != "high" || task.AssignedUser.Name != "Bruno" || task.Lead.ID != 100 {
			t.Errorf("the task is %+v, %v", task, err)
		}
		want := "task_created Tarefa criada: Conferir documentos de João | task_created Tarefa criada: Documentação: João"
		if got := w.texts(t, eventsOf100); got != want {
			t.Errorf("the lead's events are %s", got)
		}
	})
}

func TestALongNameIsCutToTheLengthOfASubject(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.enter(t, tasks.LeadRef{ID: 100, Name: strings.Repeat("ã", 255)})
		task, err := w.tasks.Get(t.Context(), w.ours, 1)
		if want := "Conferir documentos de " + strings.Repeat("ã", 232); err != nil || task.Subject != want {
			t.Errorf("the subject is %q, %v", task.Subject, err)
		}
	})
}

func TestAMandatoryTaskStaysWithItsLeadWhileTheVisitLasts(t *testing.T) {
	const (
		notDeletable    = `{"message":"Tarefa obrigatória da etapa não pode ser excluída."}`
		notTransferable = `{"message":"Tarefa obrigatória da etapa não pode ser transferida para outro lead."}`
	)
	eachWorld(t, func(t *testing.T, w *world) {
		w.enter(t, tasks.LeadRef{ID: 100, Name: "João"})
		w.must(t, "DELETE", "/tasks/1", "", 422, notDeletable)
		w.must(t, "PATCH", "/tasks/1", `{"lead_id":101}`, 422, notTransferable)
		w.must(t, "PATCH", "/tasks/1", `{"lead_id":null}`, 422, notTransferable)
		w.must(t, "PATCH", "/tasks/1", `{"lead_id":100,"subject":"Conferir documentos de João","assigned_to":11}`, 200, "")

		w.must(t, "PUT", "/tasks/1/complete", "", 200, "")
		if got := w.blocking(t, w.ours, 1); got != onlySecond {
			t.Errorf("with the first completed the lead is blocked by %s", got)
		}
		w.must(t, "DELETE", "/tasks/1", "", 422, notDeletable)
		w.must(t, "PUT", "/tasks/1/reopen", "", 200, "")
		if got := w.blocking(t, w.ours, 1); got != both {
			t.Errorf("with the first reopened the lead is blocked by %s", got)
		}

		dbtest.Exec(t, w.db, `DELETE FROM stage_requirements WHERE account_id = 1 AND id = 71`)
		if got := w.blocking(t, w.ours, 1); got != onlySecond {
			t.Errorf("without its requirement the lead is blocked by %s", got)
		}
		w.must(t, "DELETE", "/tasks/1", "", 200, "")

		// Lead 101 is on its first visit, as 100 was when it was given task 2.
		dbtest.Exec(t, w.db, `UPDATE leads SET stage_visit = 2 WHERE account_id = 1 AND id = 100`)
		w.must(t, "PATCH", "/tasks/2", `{"lead_id":101}`, 200, "")
		w.must(t, "DELETE", "/tasks/2", "", 200, "")
	})
}
