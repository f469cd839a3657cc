package leads

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// blockSize is how many ids a row of lead_blocks counts.
const blockSize = 1024

// slots is over how many rows PostgreSQL spreads a counter: simultaneous writers
// seldom meet on one, and a reader adds up no more than these.
const slots = 8

// place is where a listed lead is counted.
type place struct {
	pipeline, stage int64
	archived        bool
	block           int64
}

func placeOf(l *Lead) *place {
	if l == nil || !l.listed() {
		return nil
	}
	return &place{l.PipelineID, l.StageID, l.Archived, l.ID / blockSize}
}

// recount moves a lead's count from where it was to where it is; nil is nowhere.
// Rows are touched in one order, so that two transactions do not wait for each
// other in a circle.
func recount(tx *db.Tx, actor authz.Actor, before, after *place) error {
	if before == after || (before != nil && after != nil && *before == *after) {
		return nil
	}
	slot := anySlot(tx)
	type step struct {
		place
		by int64
	}
	var steps []step
	if before != nil {
		steps = append(steps, step{*before, -1})
	}
	if after != nil {
		steps = append(steps, step{*after, 1})
	}
	slices.SortFunc(steps, func(a, b step) int {
		c := cmp.Or(cmp.Compare(a.pipeline, b.pipeline), cmp.Compare(a.stage, b.stage))
		switch {
		case c != 0 || a.archived == b.archived:
			return c
		case b.archived:
			return -1
		default:
			return 1
		}
	})
	for _, s := range steps {
		if err := tx.Queue(countSQL,
			actor.AccountID, s.pipeline, s.stage, s.archived, slot, s.by); err != nil {
			return err
		}
	}
	if before != nil && after != nil && before.pipeline == after.pipeline {
		return nil
	}
	for _, s := range steps {
		if err := tx.Queue(countBlockSQL,
			actor.AccountID, s.pipeline, s.block, slot, s.by); err != nil {
			return err
		}
	}
	return nil
}

const (
	countSQL = `INSERT INTO lead_counters (account_id, pipeline_id, stage_id, archived, slot, leads) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account_id, pipeline_id, stage_id, archived, slot) DO UPDATE SET leads = lead_counters.leads + excluded.leads`
	countBlockSQL = `INSERT INTO lead_blocks (account_id, pipeline_id, block, slot, leads) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id, pipeline_id, block, slot) DO UPDATE SET leads = lead_blocks.leads + excluded.leads`
)

// anySlot is one of the rows over which a counter is spread.
func anySlot(tx *db.Tx) int64 {
	if tx.Engine() == db.SQLite {
		return 0
	}
	return rand.Int64N(slots) //nolint:gosec // spreads load, hides nothing
}

// tally gathers what new leads add to the counters, for many of them at a time.
type tally map[place]int64

func (t tally) add(p *place, by int64) {
	if p != nil {
		t[*p] += by
	}
}

// write adds it to the counters, in the order of recount.
func (t tally) write(tx *db.Tx, actor authz.Actor) error {
	stages, blocks := map[place]int64{}, map[place]int64{}
	for p, n := range t {
		stages[place{p.pipeline, p.stage, p.archived, 0}] += n
		blocks[place{p.pipeline, 0, false, p.block}] += n
	}
	inOrder := func(a, b place) int {
		return cmp.Or(cmp.Compare(a.pipeline, b.pipeline), cmp.Compare(a.stage, b.stage), cmp.Compare(a.block, b.block)) // no new lead is archived
	}
	slot := anySlot(tx)
	for _, p := range slices.SortedFunc(maps.Keys(stages), inOrder) {
		if err := tx.Queue(countSQL, actor.AccountID, p.pipeline, p.stage, p.archived, slot, stages[p]); err != nil {
			return err
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(blocks), inOrder) {
		if err := tx.Queue(countBlockSQL, actor.AccountID, p.pipeline, p.block, slot, blocks[p]); err != nil {
			return err
		}
	}
	return nil
}

// countListed is how many leads of the account are listed.
func countListed(q db.Querier, accountID int64) (n int64, err error) {
	err = db.Get(q.Query(`SELECT COALESCE(sum(leads), 0)::bigint FROM lead_counters WHERE account_id = $1`, accountID), &n)
	return n, err
}

// RebuildCounters counts an account's listed leads anew, after a bulk load.
func RebuildCounters(tx *db.Tx, accountID int64) error {
	for _, sql := range []string{
		`DELETE FROM lead_counters WHERE account_id = $1`,
		`DELETE FROM lead_blocks WHERE account_id = $1`,
		`INSERT INTO lead_counters (account_id, pipeline_id, stage_id, archived, slot, leads)
			SELECT account_id, pipeline_id, stage_id, archived, 0, count(*) FROM leads WHERE account_id = $1 AND ` + listed + `
			GROUP BY account_id, pipeline_id, stage_id, archived`,
		`INSERT INTO lead_blocks (account_id, pipeline_id, block, slot, leads)
			SELECT account_id, pipeline_id, id / ` + strconv.Itoa(blockSize) + `, 0, count(*) FROM leads WHERE account_id = $1 AND ` + listed + `
			GROUP BY account_id, pipeline_id, id / ` + strconv.Itoa(blockSize),
	} {
		if _, err := tx.Exec(sql, accountID); err != nil {
			return err
		}
	}
	return nil
}
