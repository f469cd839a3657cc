package leads

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"syncro/internal/db"
)

// loadBatch is how many leads [Load] stores in one transaction.
const loadBatch = 5000

// Load stores leads of an account in bulk, with the ids, times and versions they
// have, beneath the rules of single creation: it checks nothing, records no event
// and applies no limit. What a new lead does not have as zero (version, visit,
// tags, custom values, and the times that follow from its creation) may be zero
// and is filled in. A lead that another one was merged into comes before it.
//
// It is for a database that nobody else uses meanwhile. Leads are stored some
// thousands at a time; if it fails half-way, the leads before that are there and
// counters are missing, so the account is to be thrown away.
func Load(ctx context.Context, d *db.DB, accountID int64, leads iter.Seq[*Lead]) (n int64, err error) {
	var highest int64
	for batch := range batches(leads) {
		for _, l := range batch {
			l.complete()
			highest = max(highest, l.ID)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { return loadBatchOf(tx, accountID, batch) }); err != nil {
			return n, err
		}
		n += int64(len(batch))
	}
	return n, d.Write(ctx, func(tx *db.Tx) error {
		if err := RebuildCounters(tx, accountID); err != nil {
			return fmt.Errorf("counting the loaded leads: %w", err)
		}
		if err := db.ResetIDs(tx, "leads", highest); err != nil {
			return err
		}
		tables := []string{"leads", "lead_counters", "lead_blocks"}
		if tx.Engine() == db.Postgres {
			tables = append(tables, "lead_tags")
		}
		for _, table := range tables {
			if _, err := tx.Exec("ANALYZE " + table); err != nil {
				return fmt.Errorf("gathering statistics: %w", err)
			}
		}
		return nil
	})
}

// batches gives the leads some thousands at a time; a batch is valid until the next.
func batches(leads iter.Seq[*Lead]) iter.Seq[[]*Lead] {
	return func(yield func([]*Lead) bool) {
		batch := make([]*Lead, 0, loadBatch)
		for l := range leads {
			if batch = append(batch, l); len(batch) < loadBatch {
				continue
			}
			if !yield(batch) {
				return
			}
			batch = batch[:0]
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// complete fills in what a new lead does not have as zero.
func (l *Lead) complete() {
	l.Version, l.Visit = max(l.Version, 1), max(l.Visit, 1)
	if l.UpdatedAt.IsZero() {
		l.UpdatedAt = l.CreatedAt
	}
	if l.StageSince.IsZero() {
		l.StageSince = l.CreatedAt
	}
	if l.Tags == "" {
		l.Tags = "[]"
	}
	if l.CustomValues == "" {
		l.CustomValues = "{}"
	}
}

// loadedColumns are those of insertSQL and what only older leads have.
var loadedColumns = slices.Concat(
	[]string{"account_id", "created_by"}, strings.Split(strings.Join(strings.Fields(storedColumns), " "), ", "),
	[]string{"created_at", "id", "score", "score_updated_at", "merged_into"},
)

// loadBatchOf stores leads with their tags and, on SQLite, their place in the
// full-text index.
func loadBatchOf(tx *db.Tx, accountID int64, batch []*Lead) error {
	rows := func(yield func([]any) bool) {
		for _, l := range batch {
			row := append([]any{accountID, l.CreatedBy}, l.stored()...)
			if !yield(append(row, l.CreatedAt, l.ID, l.Score, l.ScoreUpdatedAt, l.MergedInto)) {
				return
			}
		}
	}
	if _, err := tx.Load("leads", loadedColumns, rows); err != nil {
		return err
	}
	if err := loadTags(tx, accountID, batch); err != nil {
		return err
	}
	if tx.Engine() == db.Postgres {
		return nil
	}
	if err := indexChanged(tx, accountID); err != nil {
		return err
	}
	_, err := tx.Load("leads_fts", []string{"rowid", "search_text", "search_phone"}, searchRows(accountID, batch))
	return err
}

func searchRows(accountID int64, batch []*Lead) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, l := range batch {
			if l.listed() && !yield([]any{ftsBase(accountID) + l.ID, l.searchText(), l.searchPhone()}) {
				return
			}
		}
	}
}
