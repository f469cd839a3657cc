package sequences

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// liveState is how an enrolment stood that was active or paused before a merge.
type liveState struct {
	Status                 Status
	NextStepAt, DueAt      *time.Time
	Waiting                bool
	LastError              *string
	UpdatedAt              time.Time
	id, leadID, sequenceID int64
}

// Relation is what sequences have of leads: enrolments go over, and of two that are
// active or paused in one sequence the secondary's ends. An enrolment that the merge
// has ended goes on when the merge is undone.
func (s *Service) Relation() leads.Relation {
	const table, remembered = "sequence_enrollments", "live enrolments"
	return leads.Relation{
		Move: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.Note(tx, actor, table, `NULL`); err != nil {
				return err
			}
			live, err := liveStates(tx, actor, m)
			if err != nil {
				return err
			}
			for _, e := range live {
				if err := m.Remember(tx, actor, remembered, e.id, e); err != nil {
					return err
				}
			}
			if err := s.endDoubled(tx, actor, m, live); err != nil {
				return err
			}
			return m.HandOver(tx, actor, table)
		},
		Return: func(tx *db.Tx, actor authz.Actor, m *leads.Merge) error {
			if err := m.HandBack(tx, actor, table); err != nil {
				return err
			}
			return m.Remembered(tx, actor, remembered, func(id int64, was []byte) error {
				var e liveState
				if err := json.Unmarshal(was, &e); err != nil {
					return fmt.Errorf("reading how enrolment %d was: %w", id, err)
				}
				return tx.Queue(`UPDATE sequence_enrollments SET status = $3, next_step_at = $4, due_at = $5, waiting = $6, last_error = $7, updated_at = $8, ended_at = NULL
					WHERE account_id = $1 AND id = $2 AND ended_at = $9`,
					actor.AccountID, id, string(e.Status), e.NextStepAt, e.DueAt, e.Waiting, e.LastError, e.UpdatedAt, m.At)
			})
		},
	}
}

func liveStates(tx *db.Tx, actor authz.Actor, m *leads.Merge) ([]liveState, error) {
	return db.Collect(tx.Query(`SELECT id, lead_id, sequence_id, status, next_step_at, due_at, waiting, last_error, updated_at FROM sequence_enrollments
		WHERE account_id = $1 AND lead_id = ANY($2) AND status IN ('active', 'paused') ORDER BY id FOR UPDATE`, actor.AccountID, []int64{m.Primary.ID, m.Secondary.ID}),
		func(r *db.Rows, e *liveState) {
			r.Scan(&e.id, &e.leadID, &e.sequenceID, &e.Status, &e.NextStepAt, &e.DueAt, &e.Waiting, &e.LastError, &e.UpdatedAt)
		})
}

// endDoubled ends the secondary's enrolments in sequences that the primary is in.
func (s *Service) endDoubled(tx *db.Tx, actor authz.Actor, m *leads.Merge, live []liveState) error {
	doubled := func(id, sequenceID int64) bool {
		return slices.ContainsFunc(live, func(other liveState) bool {
			return other.leadID == m.Primary.ID && other.sequenceID == sequenceID && other.id != id
		})
	}
	theirs, err := liveOf(tx, actor, m.Secondary.ID)
	if err != nil {
		return err
	}
	for _, e := range theirs {
		if !doubled(e.id, e.sequenceID) {
			continue
		}
		p, err := planOf(tx, actor, e.sequenceID, e.version)
		if err != nil {
			return err
		}
		e.leadID = m.Primary.ID // whose timeline tells of it
		if err := s.end(tx, actor, p, e, ExitedManual, ""); err != nil {
			return err
		}
	}
	return nil
}
