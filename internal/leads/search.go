package leads

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/phones"
	"syncro/internal/searchtext"
)

// Search. A term is a substring of the folded name, email and phone
// (leads.search_text), or, where it reads as part of a phone number, of the
// phone's digits with and without the ninth (leads.search_phone).
//
// PostgreSQL answers from a trigram index that each write keeps. SQLite's trigram
// index is kept in batches, since that costs a fiftieth; until a lead is indexed
// it stands in search_queue, and every search reads the queue besides the index:
//
//	hits = (index hits not in the queue) ∪ (leads in the queue that contain the term)
//
// Terms of one or two characters have no trigram and scan the folded text.

// term is a search term in the forms in which it is looked for.
type term struct {
	text   string // folded
	digits string // "" unless it reads as part of a phone number
}

func newTerm(q string) term {
	digits, _ := phones.Query(q)
	return term{searchtext.Fold(q), digits}
}

// indexed tells whether a trigram index can find the term.
func (t term) indexed() bool { return utf8.RuneCountInString(t.text) >= 3 }

// contained adds the condition that a lead's search columns contain the term.
func (t term) contained(c *conditions, engine db.Engine) {
	column := func(name, part string) string {
		if engine == db.Postgres && utf8.RuneCountInString(part) >= 3 {
			return name + " LIKE " + c.arg("%"+likeLiteral.Replace(part)+"%") // the form that the trigram index serves
		}
		return "strpos(" + name + ", " + c.arg(part) + ") > 0"
	}
	condition := column("search_text", t.text)
	if t.digits != "" {
		condition = "(" + condition + " OR " + column("search_phone", t.digits) + ")"
	}
	c.where = append(c.where, condition)
}

var likeLiteral = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// match is the term in the language of SQLite's full-text index.
func (t term) match() string {
	quoted := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	expression := `search_text : ` + quoted(t.text)
	if t.digits != "" {
		expression += ` OR search_phone : ` + quoted(t.digits)
	}
	return expression
}

// ftsBase is where an account's rows begin in the full-text index: its rowid is
// this plus the lead's id, so that a search of one account is a range.
func ftsBase(accountID int64) int64 { return accountID << 40 }

const ftsSpan = 1<<40 - 1

// hits reads the ids of the leads that contain the term from SQLite's index and
// its queue, in ascending order: the index is read faster that way than backwards,
// and all of them are to be counted anyhow.
func (t term) hits(q db.Querier, actor authz.Actor) (ids []int64, err error) {
	queued, err := t.queuedHits(q, actor)
	if err != nil {
		return nil, err
	}
	base := ftsBase(actor.AccountID)
	rows := q.Query(`SELECT rowid FROM leads_fts WHERE leads_fts MATCH $1 AND rowid BETWEEN $2 AND $3 ORDER BY rowid`, t.match(), base, base+ftsSpan)
	var rowid int64
	place := []any{&rowid}
	for rows.Next() {
		rows.Scan(place...)
		if _, stale := queued.all[rowid-base]; !stale {
			ids = append(ids, rowid-base)
		}
	}
	return united(ids, queued.hits), rows.Err()
}

// queuedLeads are the leads of an account that the index does not know as they
// are: all of them, and those that contain a term, in
// ascending order.
type queuedLeads struct {
	all  map[int64]struct{}
	hits []int64
}

func (t term) queuedHits(q db.Querier, actor authz.Actor) (l queuedLeads, err error) {
	rows := q.Query(`SELECT q.lead_id, l.search_text, l.search_phone, l.deleted_at IS NULL AND l.merged_into IS NULL
		FROM search_queue q JOIN leads l ON l.account_id = q.account_id AND l.id = q.lead_id WHERE q.account_id = $1`, actor.AccountID)
	for rows.Next() {
		var id int64
		var text, phone string
		var isListed bool
		rows.Borrow(&id, &text, &phone, &isListed)
		if l.all == nil {
			l.all = map[int64]struct{}{}
		}
		l.all[id] = struct{}{}
		if isListed && (strings.Contains(text, t.text) || (t.digits != "" && strings.Contains(phone, t.digits))) {
			l.hits = append(l.hits, id)
		}
	}
	slices.Sort(l.hits)
	return l, rows.Err()
}

// found adds, for SQLite, the condition that a lead is one of the term's hits.
func (t term) found(c *conditions, actor authz.Actor) {
	base := ftsBase(actor.AccountID)
	match, from, to, account := c.arg(t.match()), c.arg(base), c.arg(base+ftsSpan), c.arg(actor.AccountID)
	tail := conditions{args: c.args}
	t.contained(&tail, db.SQLite)
	c.args = tail.args
	c.where = append(c.where, fmt.Sprintf(`id IN (
		SELECT rowid - %s FROM leads_fts WHERE leads_fts MATCH %s AND rowid BETWEEN %s AND %s
			AND rowid - %s NOT IN (SELECT lead_id FROM search_queue WHERE account_id = %s)
		UNION ALL SELECT lead_id FROM search_queue WHERE account_id = %s AND lead_id IN (SELECT id FROM leads WHERE account_id = %s AND id = lead_id AND %s))`,
		from, match, from, to, from, account, account, account, tail.where[0]))
}

// queueForSearch notes that the index of SQLite no longer has a lead as it is.
func (s *Service) queueForSearch(tx *db.Tx, actor authz.Actor, id int64) error {
	if tx.Engine() == db.Postgres {
		return nil
	}
	tx.AfterCommit(func() {
		select {
		case s.unindexed <- struct{}{}:
		default: // it is awake
		}
	})
	return tx.Queue(`INSERT INTO search_queue (account_id, lead_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, actor.AccountID, id)
}

// Unindexed tells, on SQLite, that there is work for [Service.IndexSearch].
func (s *Service) Unindexed() <-chan struct{} { return s.unindexed }

// indexBatch is how many leads are indexed in one transaction: other writes wait
// for it.
const indexBatch = 200

// IndexSearch brings SQLite's full-text index up to date with a batch of the
// leads that changed, and tells whether more are waiting.
func (s *Service) IndexSearch(ctx context.Context) (more bool, err error) {
	if s.db.Engine() == db.Postgres {
		return false, nil
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		type entry struct {
			account, lead int64
			text, phone   string
			listed        bool
		}
		batch, err := db.Collect(tx.Query(`SELECT q.account_id, q.lead_id, COALESCE(l.search_text, ''), COALESCE(l.search_phone, ''),
				COALESCE(l.deleted_at IS NULL AND l.merged_into IS NULL, FALSE)
			FROM search_queue q LEFT JOIN leads l ON l.account_id = q.account_id AND l.id = q.lead_id LIMIT $1`, int64(indexBatch)),
			func(r *db.Rows, e *entry) { r.Scan(&e.account, &e.lead, &e.text, &e.phone, &e.listed) })
		if err != nil {
			return err
		}
		more = len(batch) == indexBatch
		for _, e := range batch {
			rowid := ftsBase(e.account) + e.lead
			if err := tx.Queue(`DELETE FROM leads_fts WHERE rowid = $1`, rowid); err != nil {
				return err
			}
			if e.listed {
				if err := tx.Queue(`INSERT INTO leads_fts (rowid, search_text, search_phone) VALUES ($1, $2, $3)`, rowid, e.text, e.phone); err != nil {
					return err
				}
			}
			if err := tx.Queue(`DELETE FROM search_queue WHERE account_id = $1 AND lead_id = $2`, e.account, e.lead); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}
