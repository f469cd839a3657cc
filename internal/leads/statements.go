package leads

import (
	"strconv"
	"strings"

	"syncro/internal/db"
)

// The statements that count a list and read a page of it.

func (l *listing) countStatement() db.Statement {
	switch {
	case l.counted != nil:
		return db.Statement{SQL: `SELECT COALESCE(sum(leads), 0)::bigint FROM lead_counters WHERE ` + l.counted.sql(), Args: l.counted.args}
	case l.throughTags():
		return db.Statement{SQL: `SELECT count(DISTINCT lead_id) FROM lead_tags WHERE account_id = $1 AND tag_key = ANY($2)`, Args: []any{l.actor.AccountID, l.tags}}
	default:
		return db.Statement{SQL: `SELECT count(*) FROM leads WHERE ` + l.sql(), Args: l.args}
	}
}

func (l *listing) pageStatement() db.Statement {
	switch {
	case l.throughTags() && l.order == newestFirst:
		c := conditions{}
		ids := l.taggedIDs(&c)
		return db.Statement{
			SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = ` + c.arg(l.actor.AccountID) +
				` AND id IN (SELECT lead_id FROM (` + ids + ` LIMIT ` + c.arg(l.page.Size) + ` OFFSET ` + c.arg(l.page.Offset()) + `) AS tagged) ORDER BY id DESC`,
			Args: c.args,
		}
	case l.counted != nil && len(l.stages) > 0 && l.order == newestFirst:
		return l.stagesStatement()
	default:
		return l.offsetStatement()
	}
}

// throughTags tells whether PostgreSQL's index of tags has the list.
func (l *listing) throughTags() bool {
	return l.engine == db.Postgres && l.alone && len(l.tags) > 0
}

// taggedIDs are the ids of the leads with any of the tags, newest first, as far as
// the page reaches. Each tag's part is cut off there, so that no more are merged.
func (l *listing) taggedIDs(c *conditions) string {
	account, enough := c.arg(l.actor.AccountID), c.arg(l.page.Offset()+l.page.Size)
	parts := make([]string, len(l.tags))
	for i, key := range l.tags {
		parts[i] = `SELECT lead_id FROM (SELECT lead_id FROM lead_tags WHERE account_id = ` + account + ` AND tag_key = ` + c.arg(key) +
			` ORDER BY lead_id DESC LIMIT ` + enough + `) AS tag` + strconv.Itoa(i)
	}
	return strings.Join(parts, " UNION ") + ` ORDER BY 1 DESC`
}

// offsetStatement walks over the rows before the page, in the index where one has
// the order, and reads only the page's rows themselves.
func (l *listing) offsetStatement() db.Statement {
	c := l.conditions.clone()
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
