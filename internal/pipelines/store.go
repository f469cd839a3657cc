package pipelines

import (
	"fmt"

	"syncro/internal/db"
)

// LoadBoard reads an account's board.
func LoadBoard(q db.Querier, accountID int64) (*Board, error) {
	parts := q.Pipeline(
		db.Statement{SQL: `SELECT id, name, sort_order FROM pipelines WHERE account_id = $1 ORDER BY sort_order, id`, Args: []any{accountID}},
		db.Statement{SQL: `SELECT id, pipeline_id, name, color, kind, probability, rotting_days, sort_order
			FROM stages WHERE account_id = $1 ORDER BY sort_order, id`, Args: []any{accountID}},
		db.Statement{SQL: `SELECT id, stage_id, subject, type, priority, due_in_days
			FROM stage_requirements WHERE account_id = $1 ORDER BY id`, Args: []any{accountID}},
		db.Statement{SQL: `SELECT id, name, sort_order FROM lost_reasons WHERE account_id = $1 ORDER BY sort_order, id`, Args: []any{accountID}},
	)
	pipelines, err := db.Collect(parts.Next(), func(rows *db.Rows, p *Pipeline) {
		rows.Scan(&p.ID, &p.Name, &p.SortOrder)
	})
	if err != nil {
		return nil, fmt.Errorf("reading pipelines: %w", err)
	}
	stages, err := db.Collect(parts.Next(), func(rows *db.Rows, s *Stage) {
		rows.Scan(&s.ID, &s.PipelineID, &s.Name, &s.Color, &s.Kind, &s.Probability, &s.RottingDays, &s.SortOrder)
	})
	if err != nil {
		return nil, fmt.Errorf("reading stages: %w", err)
	}
	requirements, err := db.Collect(parts.Next(), func(rows *db.Rows, r *Requirement) {
		rows.Scan(&r.ID, &r.StageID, &r.Subject, &r.Type, &r.Priority, &r.DueInDays)
	})
	if err != nil {
		return nil, fmt.Errorf("reading stage requirements: %w", err)
	}
	reasons, err := db.Collect(parts.Next(), func(rows *db.Rows, r *LostReason) {
		rows.Scan(&r.ID, &r.Name, &r.SortOrder)
	})
	if err != nil {
		return nil, fmt.Errorf("reading lost reasons: %w", err)
	}
	return NewBoard(pipelines, stages, requirements, reasons), nil
}

// AddPipeline stores a new pipeline, without its stages, and returns its id.
func AddPipeline(tx *db.Tx, accountID int64, p Pipeline) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO pipelines (account_id, name, sort_order, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $4) RETURNING id`, accountID, p.Name, p.SortOrder, tx.Now()), &id)
	return id, wrap(err, "adding pipeline", p.Name)
}

// UpdatePipeline stores a pipeline's name and place.
func UpdatePipeline(tx *db.Tx, accountID int64, p Pipeline) error {
	_, err := tx.Exec(`UPDATE pipelines SET name = $3, sort_order = $4, updated_at = $5 WHERE account_id = $1 AND id = $2`,
		accountID, p.ID, p.Name, p.SortOrder, tx.Now())
	return wrap(err, "updating pipeline", p.Name)
}

// AddStage stores a new stage of the pipeline s.PipelineID, without its
// requirements, and returns its id.
func AddStage(tx *db.Tx, accountID int64, s Stage) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO stages
		(account_id, pipeline_id, name, color, kind, probability, rotting_days, sort_order, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id`,
		accountID, s.PipelineID, s.Name, s.Color, s.Kind, s.Probability, s.RottingDays, s.SortOrder, tx.Now()), &id)
	return id, wrap(err, "adding stage", s.Name)
}

// UpdateStage stores everything of a stage but its pipeline and its
// requirements. Its kind does not change while it [HoldsLeads].
func UpdateStage(tx *db.Tx, accountID int64, s Stage) error {
	_, err := tx.Exec(`UPDATE stages SET name = $3, color = $4, kind = $5, probability = $6, rotting_days = $7, sort_order = $8, updated_at = $9
		WHERE account_id = $1 AND id = $2`,
		accountID, s.ID, s.Name, s.Color, s.Kind, s.Probability, s.RottingDays, s.SortOrder, tx.Now())
	return wrap(err, "updating stage", s.Name)
}

// HoldsLeads tells whether leads are in the stage, those in the trash and merged
// ones included: brought back, they would stand in a closed stage without their
// sale, or in none.
func HoldsLeads(q db.Querier, accountID, stageID int64) (held bool, err error) {
	err = db.Get(q.Query(`SELECT
		EXISTS (SELECT 1 FROM leads WHERE account_id = $1 AND stage_id = $2 AND deleted_at IS NULL AND merged_into IS NULL)
		OR EXISTS (SELECT 1 FROM leads WHERE account_id = $1 AND stage_id = $2 AND deleted_at IS NOT NULL)
		OR EXISTS (SELECT 1 FROM leads WHERE account_id = $1 AND stage_id = $2 AND merged_into IS NOT NULL)`, accountID, stageID), &held)
	if err != nil {
		return false, fmt.Errorf("looking for leads in stage %d: %w", stageID, err)
	}
	return held, nil
}

// AddRequirement stores a new requirement of the stage r.StageID and returns its
// id. It binds from the next entry into the stage on.
func AddRequirement(tx *db.Tx, accountID int64, r Requirement) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO stage_requirements (account_id, stage_id, subject, type, priority, due_in_days, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, accountID, r.StageID, r.Subject, r.Type, r.Priority, r.DueInDays, tx.Now()), &id)
	return id, wrap(err, "adding requirement", r.Subject)
}

// UpdateRequirement stores what tasks the requirement will make.
func UpdateRequirement(tx *db.Tx, accountID int64, r Requirement) error {
	_, err := tx.Exec(`UPDATE stage_requirements SET subject = $3, type = $4, priority = $5, due_in_days = $6 WHERE account_id = $1 AND id = $2`,
		accountID, r.ID, r.Subject, r.Type, r.Priority, r.DueInDays)
	return wrap(err, "updating requirement", r.Subject)
}

// AddLostReason stores a new reason and returns its id.
func AddLostReason(tx *db.Tx, accountID int64, r LostReason) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO lost_reasons (account_id, name, sort_order, created_at) VALUES ($1, $2, $3, $4) RETURNING id`,
		accountID, r.Name, r.SortOrder, tx.Now()), &id)
	return id, wrap(err, "adding lost reason", r.Name)
}

// UpdateLostReason stores a reason's name and place.
func UpdateLostReason(tx *db.Tx, accountID int64, r LostReason) error {
	_, err := tx.Exec(`UPDATE lost_reasons SET name = $3, sort_order = $4 WHERE account_id = $1 AND id = $2`,
		accountID, r.ID, r.Name, r.SortOrder)
	return wrap(err, "updating lost reason", r.Name)
}

// RemovePipeline deletes a pipeline with its stages, none of which holds leads.
func RemovePipeline(tx *db.Tx, accountID int64, p Pipeline) error {
	return remove(tx, `DELETE FROM pipelines WHERE account_id = $1 AND id = $2`, accountID, p.ID, "removing pipeline", p.Name)
}

// RemoveStage deletes a stage, which holds no leads, with its requirements.
func RemoveStage(tx *db.Tx, accountID int64, s Stage) error {
	return remove(tx, `DELETE FROM stages WHERE account_id = $1 AND id = $2`, accountID, s.ID, "removing stage", s.Name)
}

// RemoveRequirement deletes a requirement, which releases the tasks it has made
// (companion-api.md section 2, "Mandatory tasks").
func RemoveRequirement(tx *db.Tx, accountID int64, r Requirement) error {
	return remove(tx, `DELETE FROM stage_requirements WHERE account_id = $1 AND id = $2`, accountID, r.ID, "removing requirement", r.Subject)
}

// RemoveLostReason deletes a reason that no lost sale names.
func RemoveLostReason(tx *db.Tx, accountID int64, r LostReason) error {
	return remove(tx, `DELETE FROM lost_reasons WHERE account_id = $1 AND id = $2`, accountID, r.ID, "removing lost reason", r.Name)
}

func remove(tx *db.Tx, statement string, accountID, id int64, doing, name string) error {
	_, err := tx.Exec(statement, accountID, id)
	return wrap(err, doing, name)
}

func wrap(err error, doing, name string) error {
	if err != nil {
		return fmt.Errorf("%s %q: %w", doing, name, err)
	}
	return nil
}
