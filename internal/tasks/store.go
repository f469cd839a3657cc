package tasks

import (
	"fmt"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/timeline"
)

// columns are those of a task as scan wants them, and joins where they are from.
const (
	columns = `SELECT t.id, t.subject, t.description, t.type, t.priority, t.due_date, t.due_time, t.completed_at, t.notes,
		t.requirement_id, t.stage_visit, t.version, t.created_at, t.updated_at,
		l.id, l.name, l.phone, l.email, l.stage_visit, u.id, u.name`
	joins = ` LEFT JOIN leads l ON l.account_id = t.account_id AND l.id = t.lead_id
		LEFT JOIN users u ON u.account_id = t.account_id AND u.id = t.assigned_to`
)

func scan(rows *db.Rows, r *record) {
	var (
		completed          *time.Time
		leadName, userName *string
		lead               Lead
	)
	rows.Scan(&r.ID, &r.Subject, &r.Description, &r.Type, &r.Priority, &r.DueDate, &r.DueTime, &completed, &r.Notes,
		&r.requirementID, &r.stageVisit, &r.Version, &r.CreatedAt.Time, &r.UpdatedAt.Time,
		&r.LeadID, &leadName, &lead.Phone, &lead.Email, &r.leadVisit, &r.AssignedTo, &userName)
	r.Status, r.CompletedAt = status(completed), calendar.InstantOf(completed)
	if r.LeadID != nil && leadName != nil {
		lead.ID, lead.Name = *r.LeadID, *leadName
		r.Lead = &lead
	}
	if r.AssignedTo != nil && userName != nil {
		r.AssignedUser = &timeline.Person{ID: *r.AssignedTo, Name: *userName}
	}
}

func status(completedAt *time.Time) string {
	if completedAt == nil {
		return Pending
	}
	return Completed
}

// selectTask reads one task. A task without a lead has neither of the two columns
// that hide others.
const selectTask = columns + ` FROM tasks t` + joins + `
	WHERE t.account_id = $1 AND t.id = $2 AND l.deleted_at IS NULL AND l.merged_into IS NULL`

func find(q db.Querier, actor authz.Actor, id int64) (record, error) {
	return one(q.Query(selectTask, actor.AccountID, id))
}

// lock finds a task and keeps others from changing it until the transaction ends.
func lock(tx *db.Tx, actor authz.Actor, id int64) (record, error) {
	return one(tx.Query(selectTask+` FOR UPDATE OF t`, actor.AccountID, id))
}

func one(rows *db.Rows) (record, error) {
	var r record
	found := rows.Next()
	if found {
		scan(rows, &r)
	}
	if err := rows.Close(); err != nil {
		return r, fmt.Errorf("reading a task: %w", err)
	}
	if !found {
		return r, unknown()
	}
	return r, nil
}

// list reads a page and the total of the list.
func list(q db.Querier, actor authz.Actor, f Filter, limit, offset int64, now time.Time) ([]Task, int64, error) {
	listed, args := f.listed(actor)
	tasks, total := []Task{}, int64(0)
	if err := db.Get(q.Query(listed+` SELECT count(*) FROM listed t`, args...), &total); err != nil {
		return nil, 0, fmt.Errorf("counting tasks: %w", err)
	}
	if offset >= total {
		return tasks, total, nil
	}
	rows := q.Query(page(listed, len(args)), append(args, limit, offset)...)
	for rows.Next() {
		var r record
		scan(rows, &r)
		tasks = append(tasks, r.shown(now, actor.Location))
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("listing tasks: %w", err)
	}
	return tasks, total, nil
}

// page is the statement that reads a page of what is listed; the limit and the
// offset are the parameters after those of the list. The tasks of the page are
// found in an index before anything else of them is read.
func page(listed string, parameters int) string {
	const order = ` ORDER BY t.due_date, t.due_time NULLS LAST, t.id`
	return listed + fmt.Sprintf(`, page AS MATERIALIZED (SELECT t.id FROM listed t%s LIMIT $%d OFFSET $%d) `, order, parameters+1, parameters+2) +
		columns + ` FROM page CROSS JOIN tasks t` + joins + ` WHERE t.account_id = $1 AND t.id = page.id` + order
}

// listed is the beginning of a statement that names what the filter lists, and
// its parameters. Hidden tasks are found by their leads, which are few, and not
// by looking at the lead of every task.
//
// SQLite, which knows nothing of the contents of tables, is led to the indexes: by
// CROSS JOIN, which fixes the order of a join, by a range of days in every list,
// and by a comparison in place of IS NOT NULL.
func (f Filter) listed(actor authz.Actor) (string, []any) {
	from, to := calendar.Date("0001-01-01"), calendar.Date("9999-12-31")
	set(&from, f.DueFrom)
	set(&to, f.DueTo)
	args := []any{actor.AccountID, from, to}
	var where strings.Builder
	add := func(given bool, column string, value any) {
		if given {
			args = append(args, value)
			fmt.Fprintf(&where, " AND t.%s = $%d", column, len(args))
		}
	}
	lead := ""
	if f.LeadID.Given() {
		lead = " AND id = $4"
	}
	add(f.LeadID.Given(), "lead_id", f.LeadID.Value)
	add(f.AssignedTo.Given(), "assigned_to", f.AssignedTo.Value)
	add(f.Type.Given(), "type", f.Type.Value)
	add(f.Priority.Given(), "priority", f.Priority.Value)
	switch f.Status.Value {
	case Pending:
		where.WriteString(" AND t.completed_at IS NULL")
	case Completed:
		where.WriteString(" AND t.completed_at IS NOT NULL")
	}
	return `WITH hidden_leads AS (
			SELECT id FROM leads WHERE account_id = $1 AND deleted_at IS NOT NULL` + lead + `
			UNION SELECT id FROM leads WHERE account_id = $1 AND merged_into > 0` + lead + `
		), hidden AS (
			SELECT t.id FROM hidden_leads l CROSS JOIN tasks t WHERE t.account_id = $1 AND t.lead_id = l.id
		), listed AS (
			SELECT t.id, t.due_date, t.due_time FROM tasks t
			WHERE t.account_id = $1 AND t.due_date BETWEEN $2 AND $3` + where.String() + ` AND t.id NOT IN (SELECT id FROM hidden)
		)`, args
}

// insert stores a new task and gives it its id.
func insert(tx *db.Tx, actor authz.Actor, r *record) error {
	err := db.Get(tx.Query(`INSERT INTO tasks (account_id, lead_id, subject, description, type, priority, due_date, due_time, notes, assigned_to,
			requirement_id, stage_visit, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) RETURNING id`,
		actor.AccountID, r.LeadID, r.Subject, r.Description, r.Type, r.Priority, r.DueDate, r.DueTime, r.Notes, r.AssignedTo,
		r.requirementID, r.stageVisit, actor.PerformedBy(), r.CreatedAt.Time), &r.ID)
	if err != nil {
		return fmt.Errorf("inserting a task: %w", err)
	}
	return nil
}

// update stores a task that is locked.
func update(tx *db.Tx, actor authz.Actor, r *record) error {
	var completed *time.Time
	if r.CompletedAt != nil {
		completed = &r.CompletedAt.Time
	}
	return tx.Queue(`UPDATE tasks SET lead_id = $3, subject = $4, description = $5, type = $6, priority = $7, due_date = $8, due_time = $9,
			notes = $10, assigned_to = $11, completed_at = $12, requirement_id = $13, stage_visit = $14, version = $15, updated_at = $16
		WHERE account_id = $1 AND id = $2`,
		actor.AccountID, r.ID, r.LeadID, r.Subject, r.Description, r.Type, r.Priority, r.DueDate, r.DueTime,
		r.Notes, r.AssignedTo, completed, r.requirementID, r.stageVisit, r.Version, r.UpdatedAt.Time)
}

func remove(tx *db.Tx, actor authz.Actor, id int64) error {
	return tx.Queue(`DELETE FROM tasks WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
}

// lockLead finds a lead and its present visit, and keeps it from being merged or
// trashed until the transaction ends. Without the lead it is [db.ErrNoRows].
func lockLead(tx *db.Tx, actor authz.Actor, id int64) (lead Lead, visit int64, err error) {
	err = db.Get(tx.Query(`SELECT id, name, phone, email, stage_visit FROM leads
		WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND merged_into IS NULL FOR SHARE`, actor.AccountID, id),
		&lead.ID, &lead.Name, &lead.Phone, &lead.Email, &visit)
	return lead, visit, err
}

// holdUser finds a user whom a task can be given to, who in that case is not
// deleted before the transaction ends; [db.ErrNoRows] when there is none.
func holdUser(tx *db.Tx, actor authz.Actor, id int64) (user timeline.Person, err error) {
	err = db.Get(tx.Query(`SELECT id, name FROM users WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR KEY SHARE`, actor.AccountID, id), &user.ID, &user.Name)
	return user, err
}
