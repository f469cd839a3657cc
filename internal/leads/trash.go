package leads

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/timeline"
)

// trashKept is how long a lead can be restored (companion-api.md section 2, "Delete").
const trashKept = 30 * 24 * time.Hour

// inTrash is the condition of the trash's index, in its exact words.
const inTrash = "deleted_at IS NOT NULL"

// Trashed is a lead in the trash.
type Trashed struct {
	View
	DeletedAt calendar.Instant `json:"deleted_at" doc:"When it came into the trash, in UTC."`
	PurgedAt  calendar.Instant `json:"purged_at" doc:"When it will be removed for good, unless it is restored."`
}

// TrashAnswer is a page of the trash.
type TrashAnswer struct {
	Success bool      `json:"success" doc:"Always true." example:"true"`
	Data    []Trashed `json:"data" nullable:"false" doc:"The leads of the page."`
	Meta    api.Meta  `json:"meta" doc:"Where the page stands in the list."`
	written []byte
}

// AppendJSON writes the answer.
func (a *TrashAnswer) AppendJSON(dst []byte) []byte {
	dst = append(append(dst, `{"success":true,"data":[`...), a.written...)
	dst = append(dst, `],"meta":`...)
	return append(a.Meta.AppendJSON(dst), '}')
}

// Trash lists the leads in the trash, the last one thrown away first (GET /trash).
func (s *Service) Trash(ctx context.Context, actor authz.Actor, page api.Page) (*TrashAnswer, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	answer, stale, err := s.trashWith(ctx, actor, page, u)
	if err != nil || !stale {
		return answer, err
	}
	if u, err = s.renewed(ctx, actor); err != nil {
		return nil, err
	}
	if answer, stale, err = s.trashWith(ctx, actor, page, u); stale && err == nil {
		err = errOutdated
	}
	return answer, err
}

func (s *Service) trashWith(ctx context.Context, actor authz.Actor, page api.Page, u setup) (answer *TrashAnswer, stale bool, err error) {
	r := renderer{setup: u}
	err = s.db.Read(ctx, func(q db.Querier) error {
		p := q.Pipeline(
			db.Statement{SQL: `SELECT count(*) FROM leads WHERE account_id = $1 AND ` + inTrash, Args: []any{actor.AccountID}},
			db.Statement{SQL: `SELECT ` + allColumns + ` FROM leads WHERE account_id = $1 AND ` + inTrash + ` ORDER BY deleted_at DESC, id DESC LIMIT $2 OFFSET $3`,
				Args: []any{actor.AccountID, page.Size, page.Offset()}},
		)
		var total int64
		if err := db.Get(p.Next(), &total); err != nil {
			return err
		}
		var written []byte
		rows := p.Next()
		for rows.Next() {
			l := &Lead{}
			rows.Scan(l.all()...)
			if rows.Err() != nil {
				break
			}
			if len(written) > 0 {
				written = append(written, ',')
			}
			written = appendInstant(append(r.lead(written, l), `,"deleted_at":`...), *l.DeletedAt)
			written = append(appendInstant(append(written, `,"purged_at":`...), l.DeletedAt.Add(trashKept)), '}')
		}
		answer = &TrashAnswer{Success: true, Meta: page.Meta(total), written: written}
		return rows.Err()
	})
	return answer, r.stale, err
}

// lockTrashed reads a lead in the trash, which nobody else changes until the
// transaction ends.
func lockTrashed(tx *db.Tx, actor authz.Actor, id int64) (*Lead, error) {
	return get(tx.Query(`SELECT `+allColumns+` FROM leads WHERE account_id = $1 AND id = $2 AND `+inTrash+` FOR UPDATE`, actor.AccountID, id))
}

// Restore takes a lead out of the trash (POST /trash/{id}/restore). It is back as
// it was, but for the sequences that it has left and the messages that were
// cancelled. The plan must have room for it, unless it is merged.
func (s *Service) Restore(ctx context.Context, actor authz.Actor, id int64, expected *int64) (LeadAnswer, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return LeadAnswer{}, err
	}
	var l *Lead
	err = s.write(ctx, actor, &u, func(tx *db.Tx) (err error) {
		if l, err = lockTrashed(tx, actor, id); err != nil {
			return err
		}
		if l.MergedInto == nil {
			if err := checkLimit(tx, actor); err != nil {
				return err
			}
		}
		if expected != nil && *expected != l.Version {
			return timeline.Stale(tx, actor, timeline.Lead, id, *expected, l.Version)
		}
		before := *l
		l.DeletedAt = nil
		return s.change(tx, actor, &u, &before, l, timeline.Event{LeadID: id, Type: timeline.Restored, Description: "Lead restaurado da lixeira."})
	})
	return s.shown(&u, l), err
}

// Purge removes a lead in the trash for good (DELETE /trash/{id}).
func (s *Service) Purge(ctx context.Context, actor authz.Actor, id int64, expected *int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		l, err := lockTrashed(tx, actor, id)
		if err != nil {
			return err
		}
		if expected != nil && *expected != l.Version {
			return timeline.Stale(tx, actor, timeline.Lead, id, *expected, l.Version)
		}
		return s.purge(tx, actor, []int64{id})
	})
}

// purgeBatch is how many leads are purged in one transaction: other writes wait for it.
const purgeBatch = 50

// PurgeOld removes the leads of all accounts that have been in the trash for 30
// days. It can stop at any moment, and several nodes can run it at once.
func (s *Service) PurgeOld(ctx context.Context) error {
	var accounts []int64
	if err := s.db.Read(ctx, func(q db.Querier) (err error) {
		accounts, err = db.Column[int64](q.Query(`SELECT id FROM accounts ORDER BY id`))
		return err
	}); err != nil {
		return fmt.Errorf("looking for accounts with a trash: %w", err)
	}
	var failed error
	for _, id := range accounts {
		if err := s.purgeAccount(ctx, authz.Actor{AccountID: id}); err != nil {
			failed = errors.Join(failed, fmt.Errorf("purging the trash of account %d: %w", id, err))
		}
	}
	return failed
}

func (s *Service) purgeAccount(ctx context.Context, actor authz.Actor) error {
	for ctx.Err() == nil {
		purged := 0
		err := s.db.Write(ctx, func(tx *db.Tx) error {
			old, err := db.Column[int64](tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND deleted_at <= $2 AND `+inTrash+` ORDER BY deleted_at, id LIMIT $3 FOR UPDATE`,
				actor.AccountID, tx.Now().Add(-trashKept), int64(purgeBatch)))
			if purged = len(old); err != nil || purged == 0 {
				return err
			}
			return s.purge(tx, actor, old)
		})
		if err != nil || purged < purgeBatch {
			return err
		}
	}
	return ctx.Err()
}

// purge removes leads that the caller has locked, and those that became part of
// them: what such a one had is theirs now, and it could not be taken apart again.
func (s *Service) purge(tx *db.Tx, actor authz.Actor, ids []int64) error {
	for parts := ids; len(parts) > 0; {
		var err error
		parts, err = db.Column[int64](tx.Query(`SELECT id FROM leads WHERE account_id = $1 AND merged_into = ANY($2) AND id <> ALL($3) FOR UPDATE`, actor.AccountID, parts, ids))
		if err != nil {
			return err
		}
		ids = append(ids, parts...)
	}
	for _, r := range s.relations {
		if r.Purge == nil {
			continue
		}
		if err := r.Purge(tx, actor, ids); err != nil {
			return err
		}
	}
	statements := []string{
		`DELETE FROM record_changes WHERE account_id = $1 AND record = 'task' AND record_id IN (SELECT id FROM tasks WHERE account_id = $1 AND lead_id = ANY($2))`,
		`DELETE FROM record_changes WHERE account_id = $1 AND record = 'lead' AND record_id = ANY($2)`,
		`DELETE FROM leads WHERE account_id = $1 AND id = ANY($2)`,
	}
	for _, sql := range statements {
		if err := tx.Queue(sql, actor.AccountID, ids); err != nil {
			return err
		}
	}
	return forgetSearch(tx, actor, ids)
}
