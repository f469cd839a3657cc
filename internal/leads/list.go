package leads

import (
	"context"
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
	l := s.listing(actor, f, u)
	written := pages.Get().(*[]byte)
	l.written = (*written)[:0]
	if !l.none {
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

func (s *Service) listing(actor authz.Actor, f *Filters, u setup) *listing {
	w := s.wanted(f.Include.Value, true)
	return &listing{
		selection: f.selection(actor, s.db.Engine(), u.board), page: f.Asked(), order: orderOf(f.Sort.Value), actor: actor, engine: s.db.Engine(),
		wanted: &w, searches: &s.searches, renderer: renderer{setup: u},
	}
}

// listing is a list being made.
type listing struct {
	*selection
	page     api.Page
	order    order
	actor    authz.Actor
	engine   db.Engine
	wanted   *wanted
	searches *searches
	total    int64
	written  []byte
	renderer
}

// read counts the list and writes the page.
func (l *listing) read(q db.Querier) error {
	if err := l.resolveMergedTags(q, l.actor); err != nil {
		return err
	}
	if l.engine == db.SQLite && (len(l.tags) > 0 || l.term != nil) {
		return l.readSet(q)
	}
	if l.engine == db.SQLite && l.throughBlocks() {
		return l.addUpBlocks(q)
	}
	return l.readStatements(q)
}

// readStatements counts by one statement and reads the page by another one.
func (l *listing) readStatements(q db.Querier) error {
	p := q.Pipeline(l.countStatement(), l.pageStatement())
	if err := db.Get(p.Next(), &l.total); err != nil {
		return err
	}
	return l.write(q, p.Next())
}

// readSet reads the list by the set of leads with the tags and the term. It is the
// list, if nothing else is asked for; otherwise it is one more condition.
func (l *listing) readSet(q db.Querier) error {
	set, err := l.set(q, l.actor, l.searches)
	if err != nil {
		return err
	}
	l.total = set.count()
	if !l.alone || l.order != newestFirst {
		l.where = append(l.where, "id = ANY("+l.arg(set.page(0, l.total))+")")
		return l.readStatements(q)
	}
	page := set.page(l.page.Offset(), l.page.Size)
	if len(page) == 0 {
		return nil
	}
	return l.write(q, q.Query(`SELECT `+shownColumns+` FROM leads WHERE account_id = $1 AND id = ANY($2) ORDER BY id DESC`, l.actor.AccountID, page))
}

// set finds, on SQLite, the leads with the tags and the term.
func (s *selection) set(q db.Querier, actor authz.Actor, searches *searches) (set idSet, err error) {
	if len(s.tags) > 0 {
		if set, err = tagged(q, actor, s.tags); err != nil {
			return nil, err
		}
	}
	if s.term == nil {
		return set, nil
	}
	hits, err := searches.find(q, actor, s.term)
	if err != nil || set == nil {
		return hits, err
	}
	set.intersect(hits)
	return set, nil
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

const (
	newestFirst  order = "id DESC"
	highestFirst order = "value_cents DESC NULLS LAST, id DESC"
)

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
