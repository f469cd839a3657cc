package duplicates

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/jobs"
)

// Kinds are the kinds of work that find duplicates.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{
		{Name: "duplicate_check", Concurrency: 1, Timeout: time.Minute, Work: s.workChecks, Due: s.dueChecks},
		{Name: "duplicate_scan", Concurrency: 1, Timeout: time.Minute, Work: s.workScan, Due: s.dueScans},
	}
}

// allChecks is the one key of the checks: there is one queue of them.
const allChecks = "all"

func (s *Service) dueChecks(ctx context.Context, _ int) (keys []string, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		waiting, err := unchecked(q, 1)
		if len(waiting) > 0 {
			keys = []string{allChecks}
		}
		return err
	})
	return keys, err
}

// workChecks does one slice of what is due, the oldest first. The next one is found
// due a second later, so that writes at full speed are not slowed down by the
// comparing of what they wrote.
func (s *Service) workChecks(ctx context.Context, _ string) error {
	var waiting map[int64][]check
	if err := s.db.Read(ctx, func(q db.Querier) (err error) {
		waiting, err = unchecked(q, slice)
		return err
	}); err != nil {
		return err
	}
	var failed error
	for account, checks := range waiting {
		if err := s.doChecks(ctx, authz.Actor{AccountID: account}, checks); err != nil {
			failed = errors.Join(failed, fmt.Errorf("looking for duplicates in account %d: %w", account, err))
		}
	}
	return failed
}

func (s *Service) doChecks(ctx context.Context, actor authz.Actor, checks []check) error {
	var ids, leads []int64
	for _, c := range checks {
		ids, leads = append(ids, c.id), append(leads, c.lead)
	}
	return s.checkLeads(ctx, actor, leads, func(tx *db.Tx) error {
		return tx.Queue(`DELETE FROM duplicate_checks WHERE account_id = $1 AND id = ANY($2)`, actor.AccountID, ids)
	})
}

// dueScans are the accounts whose leads have not been looked at from the first to
// the last.
func (s *Service) dueScans(ctx context.Context, limit int) (keys []string, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		keys, err = db.Collect(q.Query(`SELECT a.id FROM accounts a LEFT JOIN duplicate_scans s ON s.account_id = a.id WHERE s.finished_at IS NULL ORDER BY a.id LIMIT $1`, int64(limit)),
			func(r *db.Rows, key *string) {
				var account int64
				r.Scan(&account)
				*key = strconv.FormatInt(account, 10)
			})
		return err
	})
	return keys, err
}

// workScan does one slice of the scan of an account. It can stop at any moment: how
// far it has come stands in the transaction that stores what it has found.
func (s *Service) workScan(ctx context.Context, key string) error {
	account, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return fmt.Errorf("the key of a job: %w", err)
	}
	actor := authz.Actor{AccountID: account}
	var ids []int64
	if err := s.db.Read(ctx, func(q db.Querier) (err error) {
		ids, err = db.Column[int64](q.Query(`SELECT id FROM leads WHERE account_id = $1 AND deleted_at IS NULL AND merged_into IS NULL
			AND id > COALESCE((SELECT scanned_to FROM duplicate_scans WHERE account_id = $1), 0) ORDER BY id LIMIT $2`, account, int64(slice)))
		return err
	}); err != nil {
		return err
	}
	return s.checkLeads(ctx, actor, ids, func(tx *db.Tx) error {
		if len(ids) == slice {
			return scanned(tx, actor, ids[len(ids)-1], nil)
		}
		now, last := tx.Now(), int64(0)
		if len(ids) > 0 {
			last = ids[len(ids)-1]
		}
		return scanned(tx, actor, last, &now)
	})
}
