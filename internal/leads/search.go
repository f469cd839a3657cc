package leads

import (
	"context"
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
// What the index gives is remembered (found.go).
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

// hasTrigram tells whether a trigram index can find the term.
func (t term) hasTrigram() bool { return utf8.RuneCountInString(t.text) >= 3 }

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
	if t.digits == "" && strings.ContainsFunc(t.text, func(c rune) bool { return c != ' ' && (c < '0' || c > '9') }) {
		return quoted(t.text) // the other column cannot have it, and to name one costs time
	}
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

// indexed are the leads that SQLite's index finds the term in.
func (t *term) indexed(q db.Querier, actor authz.Actor) (blocks []packedBlock, err error) {
	base, set := ftsBase(actor.AccountID), idSet{}
	rows := q.Query(`SELECT rowid FROM leads_fts WHERE leads_fts MATCH $1 AND rowid BETWEEN $2 AND $3`, t.match(), base, base+ftsSpan)
	var rowid int64
	place := []any{&rowid}
	for rows.Next() {
		rows.Scan(place...)
		set.add(rowid - base)
	}
	for number, b := range set {
		blocks = append(blocks, packedBlock{number, b.packed()})
	}
	return blocks, rows.Err()
}

// correct makes what the index gave true of the leads that changed since: they
// are hits if they contain the term now.
func (t *term) correct(q db.Querier, actor authz.Actor, hits idSet) error {
	rows := q.Query(`SELECT q.lead_id, l.search_text, l.search_phone, l.deleted_at IS NULL AND l.merged_into IS NULL
		FROM search_queue q JOIN leads l ON l.account_id = q.account_id AND l.id = q.lead_id WHERE q.account_id = $1`, actor.AccountID)
	var id int64
	var text, phone string
	var isListed bool
	places := []any{&id, &text, &phone, &isListed}
	for rows.Next() {
		rows.Borrow(places...)
		if isListed && (strings.Contains(text, t.text) || (t.digits != "" && strings.Contains(phone, t.digits))) {
			hits.add(id)
		} else {
			hits.remove(id)
		}
	}
	return rows.Err()
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

// queued is a lead that waits to be indexed.
type queued struct {
	account, lead int64
	text, phone   string
	listed        bool
}

// IndexSearch brings SQLite's full-text index up to date with a batch of the
// leads that changed, and tells whether more are waiting.
func (s *Service) IndexSearch(ctx context.Context) (more bool, err error) {
	if s.db.Engine() == db.Postgres {
		return false, nil
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		batch, err := db.Collect(tx.Query(`SELECT q.account_id, q.lead_id, COALESCE(l.search_text, ''), COALESCE(l.search_phone, ''),
				COALESCE(l.deleted_at IS NULL AND l.merged_into IS NULL, FALSE)
			FROM search_queue q LEFT JOIN leads l ON l.account_id = q.account_id AND l.id = q.lead_id LIMIT $1`, int64(indexBatch)),
			func(r *db.Rows, l *queued) { r.Scan(&l.account, &l.lead, &l.text, &l.phone, &l.listed) })
		if err != nil {
			return err
		}
		more = len(batch) == indexBatch
		changed := map[int64]bool{}
		for _, l := range batch {
			if err := l.index(tx); err != nil {
				return err
			}
			changed[l.account] = true
		}
		for account := range changed {
			if err := indexChanged(tx, account); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// index takes the lead from the queue into the index, or out of it when it is not
// listed.
func (l *queued) index(tx *db.Tx) error {
	rowid := ftsBase(l.account) + l.lead
	if err := tx.Queue(`DELETE FROM leads_fts WHERE rowid = $1`, rowid); err != nil {
		return err
	}
	if l.listed {
		if err := tx.Queue(`INSERT INTO leads_fts (rowid, search_text, search_phone) VALUES ($1, $2, $3)`, rowid, l.text, l.phone); err != nil {
			return err
		}
	}
	return tx.Queue(`DELETE FROM search_queue WHERE account_id = $1 AND lead_id = $2`, l.account, l.lead)
}

// indexChanged notes that SQLite's index of an account is another one now.
func indexChanged(tx *db.Tx, account int64) error {
	return tx.Queue(`INSERT INTO search_generations (account_id, generation) VALUES ($1, 1)
		ON CONFLICT (account_id) DO UPDATE SET generation = search_generations.generation + 1`, account)
}

// forgetSearch takes leads that are removed out of SQLite's index and its queue.
func forgetSearch(tx *db.Tx, actor authz.Actor, ids []int64) error {
	if tx.Engine() == db.Postgres {
		return nil
	}
	for _, id := range ids {
		if err := tx.Queue(`DELETE FROM leads_fts WHERE rowid = $1`, ftsBase(actor.AccountID)+id); err != nil {
			return err
		}
	}
	if err := tx.Queue(`DELETE FROM search_queue WHERE account_id = $1 AND lead_id = ANY($2)`, actor.AccountID, ids); err != nil {
		return err
	}
	return indexChanged(tx, actor.AccountID)
}
