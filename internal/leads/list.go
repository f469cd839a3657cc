package leads

import (
	"context"
	"strconv"
	"strings"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
)

// List gives a page of the account's leads (GET /leads). The total is exact.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filters) (*ListAnswer, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return nil, err
	}
	answer, err := s.listWith(ctx, actor, &f, u)
	if err != nil || answer != nil {
		return answer, err
	}
	if u, err = s.renewed(ctx, actor); err != nil {
		return nil, err
	}
	if answer, err = s.listWith(ctx, actor, &f, u); answer == nil && err == nil {
		err = errOutdated
	}
	return answer, err
}

// listWith lists with a snapshot of the setup; nil when the snapshot is too old.
func (s *Service) listWith(ctx context.Context, actor authz.Actor, f *Filters, u setup) (*ListAnswer, error) {
	selected := f.selection(actor, s.db.Engine(), u.board)
	w := s.wanted(f.Include.Value, true)
	l := &listing{selection: selected, page: f.Asked(), order: orderOf(f.Sort.Value), actor: actor, engine: s.db.Engine(), wanted: &w, renderer: renderer{setup: u}}
	written := pages.Get().(*[]byte)
	l.written = (*written)[:0]
	if !selected.none {
		if err := s.db.Read(ctx, l.read); err != nil {
			return nil, err
		}
	}
	if l.stale {
		return nil, nil //nolint:nilnil // see the comment
	}
	*written = l.written
	return &ListAnswer{Success: true, Meta: l.page.Meta(l.total), written: written}, nil
}

// listing is a list being made.
type listing struct {
	*selection
	page    api.Page
	order   order
	actor   authz.Actor
	engine  db.Engine
	wanted  *wanted
	total   int64
	written []byte
	renderer
}

// read counts the list and writes the page.
func (l *listing) read(q db.Querier) error {
	if l.order == newestFirst && l.engine == db.SQLite && (l.term != nil || len(l.tags) > 0) {
		return l.readIDs(q)
	}
	if l.term != nil {
		l.term.found(&l.conditions, l.actor)
	}
	if err := l.resolveMergedTags(q, l.actor); err != nil {
		return err
	}
	count, page := l.countStatement(), l.pageStatement()
	p := q.Pipeline(count, page)
	if err := db.Get(p.Next(), &l.total); err != nil {
		return err
	}
	rows := p.Next()
	if l.throughBlocks() {
		if !rows.Next() {
			if err := rows.Close(); err != nil || l.page.Offset() >= l.total {
				return err
			}
			// The blocks that were looked at do not reach so far.
			page = l.offsetStatement()
			rows = q.Query(page.SQL, page.Args...)
			return l.write(q, rows)
		}
		return l.writeFrom(q, rows)
	}
	return l.write(q, rows)
}

// readIDs answers what one index of SQLite answers alone, a term or tags: its ids
// are read once, to be counted and to pick the page from, which is less work than
// one statement for each.
func (l *listing) readIDs(q db.Querier) (err error) {
	var ids []int64
	if l.term != nil {
		ids, err = l.term.hits(q, l.actor)
	} else {
		ids, err = l.tagged(q)
	}
	if err != nil {
		return err
	}
	l.total = int64(len(ids))
	to := l.total - min(l.page.Offset(), l.total)
	page := ids[max(to-l.page.Size, 0):to]
	if len(page) == 0 {
		return nil
	}
	return l.write(q, q.Query(`SELECT `+shownColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) ORDER BY id DESC`, l.actor.AccountID, page))
}

// tagged are the ids of the leads with any of the tags, in ascending order.
func (l *listing) tagged(q db.Querier) (ids []int64, err error) {
	for _, key := range l.tags {
		with, err := db.Column[int64](q.Query(`SELECT lead_id FROM lead_tags WHERE account_id = $1 AND tag_key = $2 ORDER BY lead_id`, l.actor.AccountID, key))
		if err != nil {
			return nil, err
		}
		ids = united(ids, with)
	}
	return ids, nil
}

// united are the ids of two ascending lists, each once, in ascending order.
func united(a, b []int64) []int64 {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	all := make([]int64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case a[0] > b[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return append(append(all, a...), b...)
}

func (l *listing) countStatement() db.Statement {
	switch {
	case l.counted != nil:
		return db.Statement{SQL: `SELECT COALESCE(sum(leads), 0)::bigint FROM lead_counters WHERE ` + l.counted.sql(), Args: l.counted.args}
	case len(l.tags) > 0:
		c := conditions{}
		return db.Statement{SQL: `SELECT count(*) FROM (` + l.taggedIDs(&c) + ` LIMIT ` + c.arg(int64(1)<<62) + `) AS tagged`, Args: c.args}
	default:
		return db.Statement{SQL: `SELECT count(*) FROM leads WHERE ` + l.sql(), Args: l.args}
	}
}

func (l *listing) pageStatement() db.Statement {
	switch {
	case len(l.tags) > 0 && l.order == newestFirst:
		c := conditions{}
		ids := l.taggedIDs(&c)
		return db.Statement{
			SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = ` + c.arg(l.actor.AccountID) +
				` AND id IN (SELECT lead_id FROM (` + ids + ` LIMIT ` + c.arg(l.page.Size) + ` OFFSET ` + c.arg(l.page.Offset()) + `) AS tagged) ORDER BY id DESC`,
			Args: c.args,
		}
	case l.throughBlocks():
		return l.blockStatement()
	case l.counted != nil && len(l.stages) > 0 && l.order == newestFirst:
		return l.stagesStatement()
	default:
		return l.offsetStatement()
	}
}

// taggedIDs are the ids of the leads with any of the tags, newest first. The
// order makes the UNION a merge of index ranges instead of a sort.
func (l *listing) taggedIDs(c *conditions) string {
	account := c.arg(l.actor.AccountID)
	parts := make([]string, len(l.tags))
	for i, key := range l.tags {
		parts[i] = `SELECT lead_id FROM lead_tags WHERE account_id = ` + account + ` AND tag_key = ` + c.arg(key)
	}
	return strings.Join(parts, " UNION ") + ` ORDER BY 1 DESC`
}

// offsetStatement walks over the rows before the page, in the index where one has
// the order, and reads only the page's rows themselves.
func (l *listing) offsetStatement() db.Statement {
	c := l.conditions
	c.args = append([]any{}, c.args...)
	if l.page.Number == 1 {
		return db.Statement{SQL: `SELECT ` + shownColumns + ` FROM leads WHERE ` + c.sql() + ` ORDER BY ` + string(l.order) + ` LIMIT ` + c.arg(l.page.Size), Args: c.args}
	}
	return db.Statement{
		SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = $1 AND id IN (SELECT id FROM leads WHERE ` + c.sql() +
			` ORDER BY ` + string(l.order) + ` LIMIT ` + c.arg(l.page.Size) + ` OFFSET ` + c.arg(l.page.Offset()) + `) ORDER BY ` + string(l.order),
		Args: c.args,
	}
}

// stagesStatement merges the newest leads of each stage: each is a range of an
// index, however few leads the stages have among all.
func (l *listing) stagesStatement() db.Statement {
	c := conditions{}
	account, enough := c.arg(l.actor.AccountID), c.arg(l.page.Offset()+l.page.Size)
	parts := make([]string, len(l.stages))
	for i, id := range l.stages {
		parts[i] = `SELECT id FROM (SELECT id FROM leads WHERE account_id = ` + account + ` AND ` + listed + ` AND stage_id = ` + c.arg(id) +
			` ORDER BY id DESC LIMIT ` + enough + `) AS stage` + strconv.Itoa(i)
	}
	return db.Statement{
		SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = ` + account + ` AND id IN (SELECT id FROM (` + strings.Join(parts, " UNION ALL ") +
			`) AS stages ORDER BY id DESC LIMIT ` + c.arg(l.page.Size) + ` OFFSET ` + c.arg(l.page.Offset()) + `) ORDER BY id DESC`,
		Args: c.args,
	}
}

// throughBlocks tells whether lead_blocks can lead to the page.
func (l *listing) throughBlocks() bool {
	return l.counted != nil && len(l.pipelines) > 0 && l.order == newestFirst && l.page.Offset() >= blockSize
}

// blockStatement finds, in the counts per block of ids, the block that the page
// begins in, and walks from that block's upper end only. It looks at enough blocks
// for a list that fills a quarter of them; a thinner one gives no row, and the
// caller falls back. Both happen in one statement, so that the counts and the
// rows are of one moment.
func (l *listing) blockStatement() db.Statement {
	c := l.conditions
	c.args = append([]any{}, c.args...)
	account, pipelines, offset, size := c.arg(l.actor.AccountID), c.arg(l.pipelines), c.arg(l.page.Offset()), c.arg(l.page.Size)
	only := "pipeline_id = " + pipelines
	if len(l.pipelines) == 1 {
		c.args[len(l.args)+1] = l.pipelines[0]
	} else {
		only = "pipeline_id = ANY(" + pipelines + ")"
	}
	enough := c.arg(l.page.Offset()/(blockSize/4) + 8)
	return db.Statement{
		SQL: `WITH counts AS (SELECT block, sum(leads) AS leads FROM lead_blocks WHERE account_id = ` + account + ` AND ` + only + `
				GROUP BY block ORDER BY block DESC LIMIT ` + enough + `),
			sums AS (SELECT block, leads, sum(leads) OVER (ORDER BY block DESC) AS upto FROM counts),
			start AS (SELECT block, (upto - leads)::bigint AS before FROM sums WHERE upto > ` + offset + ` ORDER BY block DESC LIMIT 1)
			SELECT ` + shownColumns + ` FROM leads WHERE account_id = ` + account + ` AND id IN (SELECT id FROM leads WHERE ` + c.sql() + `
				AND id < (SELECT (block + 1) * 1024 FROM start) ORDER BY id DESC LIMIT ` + size + ` OFFSET ` + offset + ` - COALESCE((SELECT before FROM start), ` + offset + `)) ORDER BY id DESC`,
		Args: c.args,
	}
}

// write writes the rows of the page.
func (l *listing) write(q db.Querier, rows *db.Rows) error {
	if !rows.Next() {
		return rows.Err()
	}
	return l.writeFrom(q, rows)
}

// writeFrom writes the rows from the one that has been stepped to. Without
// relations each row is written while it lies in the driver's memory.
func (l *listing) writeFrom(q db.Querier, rows *db.Rows) error {
	if len(l.wanted.relations) > 0 {
		return l.writeWithRelations(q, rows)
	}
	var lead Lead
	places := lead.shown()
	for more := true; more; more = rows.Next() {
		rows.Borrow(places...)
		l.separate()
		l.written = l.whole(l.written, &lead, l.wanted, nil)
	}
	return rows.Err()
}

func (l *listing) writeWithRelations(q db.Querier, rows *db.Rows) error {
	var leads []*Lead
	var ids []int64
	for more := true; more; more = rows.Next() {
		lead := &Lead{}
		rows.Scan(lead.shown()...)
		leads, ids = append(leads, lead), append(ids, lead.ID)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	loaded, err := l.wanted.load(q, l.actor, ids)
	if err != nil {
		return err
	}
	for _, lead := range leads {
		l.separate()
		l.written = l.whole(l.written, lead, l.wanted, loaded)
	}
	return nil
}

func (l *listing) separate() {
	if len(l.written) > 0 {
		l.written = append(l.written, ',')
	}
}

// order is the ORDER BY of a list.
type order string

const newestFirst order = "id DESC"

// orderOf reads a sort parameter: nulls last both ways, ties newest first.
func orderOf(sort string) order {
	if sort == "" {
		return newestFirst
	}
	field, descending := strings.CutPrefix(sort, "-")
	direction := " ASC"
	if descending {
		direction = " DESC"
	}
	columns := map[string]string{"name": "name_key", "value": "value_cents", "created_at": "created_at", "updated_at": "updated_at", "score": "score"}
	switch field {
	case "id":
		return order("id" + direction)
	case "value":
		direction += " NULLS LAST"
	}
	return order(columns[field] + direction + ", " + string(newestFirst))
}

// Get gives one lead with the relations asked for (GET /leads/{id}).
func (s *Service) Get(ctx context.Context, actor authz.Actor, id int64, include string) (LeadAnswer, error) {
	u, err := s.setup(ctx, actor)
	if err != nil {
		return LeadAnswer{}, err
	}
	answer, stale, err := s.getWith(ctx, actor, id, include, u)
	if err != nil || !stale {
		return answer, err
	}
	if u, err = s.renewed(ctx, actor); err != nil {
		return LeadAnswer{}, err
	}
	if answer, stale, err = s.getWith(ctx, actor, id, include, u); stale && err == nil {
		err = errOutdated
	}
	return answer, err
}

func (s *Service) getWith(ctx context.Context, actor authz.Actor, id int64, include string, u setup) (answer LeadAnswer, stale bool, err error) {
	w := s.wanted(include, false)
	r := renderer{setup: u}
	err = s.db.Read(ctx, func(q db.Querier) error {
		l, err := find(q, actor, id)
		if err != nil {
			return err
		}
		loaded, err := w.load(q, actor, []int64{id})
		if err != nil {
			return err
		}
		answer = LeadAnswer{written: r.whole(make([]byte, 0, 1024), l, &w, loaded), version: l.Version}
		return nil
	})
	return answer, r.stale, err
}
