package leads

import (
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/money"
	"syncro/internal/pipelines"
	"syncro/internal/timeline"
)

// Sale is what the sales include shows of a sale.
type Sale struct {
	ID         int64            `json:"id" doc:"Sale id." example:"8"`
	PipelineID int64            `json:"pipeline_id" doc:"Pipeline in which the lead was won." example:"1"`
	Value      *money.Cents     `json:"value" doc:"Value of the sale." example:"7500"`
	ClosedBy   *int64           `json:"closed_by" doc:"User who won it." example:"12"`
	ClosedAt   calendar.Instant `json:"closed_at" doc:"When it was won."`
}

// LostSale is what the sales include shows of a lost sale.
type LostSale struct {
	ID         int64            `json:"id" doc:"Lost sale id." example:"4"`
	PipelineID int64            `json:"pipeline_id" doc:"Pipeline in which the lead was lost." example:"1"`
	ReasonID   *int64           `json:"reason_id" doc:"Lost reason." example:"3"`
	LostAt     calendar.Instant `json:"lost_at" doc:"When it was lost."`
	LostBy     *int64           `json:"lost_by" doc:"User who lost it." example:"12"`
}

// enter begins a visit.
func (l *Lead) enter(to pipelines.Stage, now time.Time) {
	l.PipelineID, l.StageID = to.PipelineID, to.ID
	l.Visit++
	l.StageSince = now
	l.MandatoryTasks = len(to.Requirements) > 0
}

// record makes the sale or lost sale of a lead that has entered a closing stage,
// unless the pipeline has a valid one of it already.
func (s *Service) record(tx *db.Tx, actor authz.Actor, m *move) error {
	switch m.to.Kind {
	case pipelines.Won:
		return m.recordSale(tx, actor)
	case pipelines.Lost:
		return m.recordLoss(tx, actor)
	default:
		return nil
	}
}

func (m *move) recordSale(tx *db.Tx, actor authz.Actor) error {
	value := m.value
	if value == nil {
		value = m.after.ValueCents
	}
	made, err := db.Column[int64](tx.Query(`INSERT INTO sales (account_id, lead_id, pipeline_id, value_cents, closed_by, closed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account_id, lead_id, pipeline_id) WHERE voided_at IS NULL DO NOTHING RETURNING id`,
		actor.AccountID, m.after.ID, m.to.PipelineID, value, actor.PerformedBy(), tx.Now()))
	if err != nil {
		return err
	}
	m.after.aside(saleMade, made, value)
	if len(made) == 0 {
		if _, err := m.amendSale(tx, actor); err != nil || m.blockedMessage != blockedWon {
			return err // a mere move to another won stage wins nothing anew
		}
	}
	m.note(timeline.SaleWon, "Venda registrada em "+m.to.Name+".")
	return nil
}

func (m *move) recordLoss(tx *db.Tx, actor authz.Actor) error {
	made, err := db.Column[int64](tx.Query(`INSERT INTO lost_sales (account_id, lead_id, pipeline_id, reason_id, lost_by, lost_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account_id, lead_id, pipeline_id) WHERE voided_at IS NULL DO NOTHING RETURNING id`,
		actor.AccountID, m.after.ID, m.to.PipelineID, m.reasonID, actor.PerformedBy(), tx.Now()))
	if err != nil {
		return err
	}
	m.after.aside(lossMade, made, m.reasonID)
	if len(made) == 0 {
		if _, err := m.amendLoss(tx, actor); err != nil || m.blockedMessage != blockedLost {
			return err // a mere move to another lost stage loses nothing anew
		}
	}
	m.note(timeline.SaleLost, "Perda registrada em "+m.to.Name+".")
	return nil
}

// repeat is winning or losing a lead that is in the stage already: what was sent
// amends the sale, which is made only if there is none.
func (s *Service) repeat(tx *db.Tx, actor authz.Actor, u *setup, m *move) error {
	m.after = m.before
	amend, event, words := m.amendSale, timeline.SaleWon, "Venda alterada em "
	if m.to.Kind == pipelines.Lost {
		amend, event, words = m.amendLoss, timeline.SaleLost, "Perda alterada em "
	}
	found, err := amend(tx, actor)
	if err != nil {
		return err
	}
	switch {
	case !found:
		if err := s.record(tx, actor, m); err != nil {
			return err
		}
	case m.value != nil || m.reasonID != nil:
		m.note(event, words+m.to.Name+".")
	}
	return s.change(tx, actor, u, m.before, m.after, m.happened...)
}

// amendSale gives the valid sale the value that was sent, if any, and tells
// whether there is a valid sale.
func (m *move) amendSale(tx *db.Tx, actor authz.Actor) (found bool, err error) {
	n, err := tx.Exec(`UPDATE sales SET value_cents = COALESCE($4::bigint, value_cents)
		WHERE account_id = $1 AND lead_id = $2 AND pipeline_id = $3 AND voided_at IS NULL`, actor.AccountID, m.after.ID, m.to.PipelineID, m.value)
	return n > 0, err
}

// amendLoss does the same for the lost sale and its reason.
func (m *move) amendLoss(tx *db.Tx, actor authz.Actor) (found bool, err error) {
	n, err := tx.Exec(`UPDATE lost_sales SET reason_id = COALESCE($4::bigint, reason_id)
		WHERE account_id = $1 AND lead_id = $2 AND pipeline_id = $3 AND voided_at IS NULL`, actor.AccountID, m.after.ID, m.to.PipelineID, m.reasonID)
	return n > 0, err
}

// void ends the sale or lost sale of a lead that leaves a stage of that kind.
func (m *move) void(tx *db.Tx, actor authz.Actor, kind pipelines.Kind) error {
	var sql, what string
	switch kind {
	case pipelines.Won:
		sql, what = `UPDATE sales SET voided_at = $4 WHERE account_id = $1 AND lead_id = $2 AND pipeline_id = $3 AND voided_at IS NULL RETURNING id`, saleVoided
	case pipelines.Lost:
		sql, what = `UPDATE lost_sales SET voided_at = $4 WHERE account_id = $1 AND lead_id = $2 AND pipeline_id = $3 AND voided_at IS NULL RETURNING id`, lossVoided
	default:
		return nil
	}
	voided, err := db.Column[int64](tx.Query(sql, actor.AccountID, m.before.ID, m.before.PipelineID, tx.Now()))
	m.after.aside(what, voided, nil)
	return err
}

// salesOf are the valid sales of leads, newest first.
func salesOf(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Sale, error) {
	byLead := map[int64][]Sale{}
	rows := q.Query(`SELECT lead_id, id, pipeline_id, value_cents, closed_by, closed_at FROM sales
		WHERE account_id = $1 AND lead_id = ANY($2) AND voided_at IS NULL ORDER BY closed_at DESC, id DESC`, actor.AccountID, leadIDs)
	for rows.Next() {
		var lead int64
		var v Sale
		rows.Scan(&lead, &v.ID, &v.PipelineID, &v.Value, &v.ClosedBy, &v.ClosedAt.Time)
		byLead[lead] = append(byLead[lead], v)
	}
	return byLead, rows.Err()
}

// lossesOf are the valid lost sales of leads, newest first.
func lossesOf(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]LostSale, error) {
	byLead := map[int64][]LostSale{}
	rows := q.Query(`SELECT lead_id, id, pipeline_id, reason_id, lost_at, lost_by FROM lost_sales
		WHERE account_id = $1 AND lead_id = ANY($2) AND voided_at IS NULL ORDER BY lost_at DESC, id DESC`, actor.AccountID, leadIDs)
	for rows.Next() {
		var lead int64
		var v LostSale
		rows.Scan(&lead, &v.ID, &v.PipelineID, &v.ReasonID, &v.LostAt.Time, &v.LostBy)
		byLead[lead] = append(byLead[lead], v)
	}
	return byLead, rows.Err()
}

// amended tells whether a sale or lost sale has another value or reason by now than
// it was made with, or is there no more.
func (c closing) amended(tx *db.Tx, actor authz.Actor, made string) (bool, error) {
	sql := `SELECT value_cents FROM sales WHERE account_id = $1 AND id = $2`
	if made == lossMade {
		sql = `SELECT reason_id FROM lost_sales WHERE account_id = $1 AND id = $2`
	}
	with, err := db.Column[*int64](tx.Query(sql, actor.AccountID, c.ID))
	return err == nil && (len(with) == 0 || !same(with[0], c.With)), err
}

// unmake undoes what a move has done to a sale or lost sale: what it made is
// removed, what it voided is valid again, unless a merge has brought the lead another
// valid one.
func (c closing) unmake(tx *db.Tx, actor authz.Actor, what string) error {
	sql := map[string]string{
		saleMade: `DELETE FROM sales WHERE account_id = $1 AND id = $2`,
		lossMade: `DELETE FROM lost_sales WHERE account_id = $1 AND id = $2`,
		saleVoided: `UPDATE sales SET voided_at = NULL WHERE account_id = $1 AND id = $2 AND NOT EXISTS (SELECT 1 FROM sales o
			WHERE o.account_id = $1 AND o.lead_id = sales.lead_id AND o.pipeline_id = sales.pipeline_id AND o.voided_at IS NULL)`,
		lossVoided: `UPDATE lost_sales SET voided_at = NULL WHERE account_id = $1 AND id = $2 AND NOT EXISTS (SELECT 1 FROM lost_sales o
			WHERE o.account_id = $1 AND o.lead_id = lost_sales.lead_id AND o.pipeline_id = lost_sales.pipeline_id AND o.voided_at IS NULL)`,
	}[what]
	return tx.Queue(sql, actor.AccountID, c.ID)
}

// LostFor counts the lost sales, voided ones included, that have a reason.
func LostFor(q db.Querier, actor authz.Actor, reasonID int64) (n int64, err error) {
	err = db.Get(q.Query(`SELECT count(*) FROM lost_sales WHERE account_id = $1 AND reason_id = $2`, actor.AccountID, reasonID), &n)
	return n, err
}

// ReplaceReason gives the lost sales that have a reason another one.
func ReplaceReason(tx *db.Tx, actor authz.Actor, reasonID, other int64) error {
	_, err := tx.Exec(`UPDATE lost_sales SET reason_id = $3 WHERE account_id = $1 AND reason_id = $2`, actor.AccountID, reasonID, other)
	return err
}
