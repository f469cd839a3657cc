package leads

import (
	"context"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/pipelines"
)

// vacateSlice is how many leads one transaction moves: other writers get their turn
// between two of them.
const vacateSlice = 200

// InStage counts the listed leads of a stage, from the counters.
func InStage(q db.Querier, actor authz.Actor, stage pipelines.Stage) (n int64, err error) {
	err = db.Get(q.Query(`SELECT COALESCE(sum(leads), 0)::bigint FROM lead_counters WHERE account_id = $1 AND pipeline_id = $2 AND stage_id = $3`,
		actor.AccountID, stage.PipelineID, stage.ID), &n)
	return n, err
}

// Vacate moves every lead out of a stage that is to be removed, into one of the same
// kind. The mandatory tasks of the stage hold nobody: they are released with it.
// Leads in the trash and merged ones move, too, silently, since nobody sees them. It
// works in slices; one that fails leaves the leads of those before it moved, and
// calling again goes on.
func (s *Service) Vacate(ctx context.Context, actor authz.Actor, from, to pipelines.Stage) error {
	u, err := s.renewed(ctx, actor)
	if err != nil {
		return err
	}
	for {
		var ids []int64
		err := s.write(ctx, actor, &u, func(tx *db.Tx) error {
			var err error
			ids, err = db.Column[int64](tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND stage_id = $2 AND `+listed+` ORDER BY id LIMIT $3`,
				actor.AccountID, from.ID, vacateSlice))
			for _, id := range ids {
				if err == nil {
					err = s.vacateOne(tx, actor, &u, id, from, to)
				}
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("moving leads out of stage %d: %w", from.ID, err)
		}
		if len(ids) == 0 {
			break
		}
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		const unlisted = `UPDATE leads SET pipeline_id = $3, stage_id = $4 WHERE account_id = $1 AND stage_id = $2 AND `
		if _, err := tx.Exec(unlisted+`deleted_at IS NOT NULL`, actor.AccountID, from.ID, to.PipelineID, to.ID); err != nil {
			return err
		}
		_, err := tx.Exec(unlisted+`merged_into IS NOT NULL`, actor.AccountID, from.ID, to.PipelineID, to.ID)
		return err
	})
}

func (s *Service) vacateOne(tx *db.Tx, actor authz.Actor, u *setup, id int64, from, to pipelines.Stage) error {
	l, err := lock(tx, actor, id)
	switch {
	case faults.Is(err, faults.NotFound): // went into the trash meanwhile
		return nil
	case err != nil || l.StageID != from.ID:
		return err
	}
	l.MandatoryTasks = false
	return s.perform(tx, actor, u, move{before: l, to: to, blockedMessage: blockedMove})
}
