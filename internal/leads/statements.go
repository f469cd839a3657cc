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
	postgres := l.engine == db.Postgres
	switch {
	case l.throughTags() && l.order == newestFirst:
		return l.tagsStatement()
	case l.throughBlocks():
		return l.blockStatement()
	case postgres && l.ofPipeline() && l.page.Number == 1:
		return l.pipelineStatement()
	case l.counted != nil && len(l.stages) > 0 && l.order == newestFirst:
		return l.stagesStatement()
	case postgres && l.order == highestFirst:
		return l.highestStatement()
	default:
		return l.offsetStatement()
	}
}

// ofPipeline tells whether the list is of one pipeline, newest first.
func (l *listing) ofPipeline() bool {
	return l.counted != nil && l.pipeline != 0 && l.order == newestFirst
}

// Planning a statement over leads, with its many indexes, takes PostgreSQL longer
// than to read a page. It keeps a plan when one that knows the arguments promises
// nothing more. So the commonest statements, those of a pipeline and of tags, say
// the size of a page in their text, and hide the pipeline in a SELECT. A plan that
// is kept must be right for a pipeline with few leads, too: the order is one that
// only leads_by_pipeline has.

// pipelineStatement reads the first page of a pipeline on PostgreSQL.
func (l *listing) pipelineStatement() db.Statement {
	return db.Statement{
		SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = $1 AND ` +
			l.pipelinePage(listed+` AND pipeline_id BETWEEN (SELECT $2::bigint) AND (SELECT $2::bigint)`),
		Args: l.args,
	}
}

func (l *listing) pipelinePage(condition string) string {
	return condition + ` ORDER BY pipeline_id DESC, id DESC LIMIT ` + strconv.FormatInt(l.page.Size, 10)
}

// throughTags tells whether PostgreSQL's index of tags has the list.
func (l *listing) throughTags() bool {
	return l.engine == db.Postgres && l.alone && len(l.tags) > 0
}

// tagsStatement merges the newest leads with each tag, on PostgreSQL.
func (l *listing) tagsStatement() db.Statement {
	c := conditions{}
	account, offset, size := c.arg(l.actor.AccountID), c.arg(l.page.Offset()), strconv.FormatInt(l.page.Size, 10)
	enough := size
	if l.page.Number > 1 {
		enough = c.arg(l.page.Offset() + l.page.Size)
	}
	parts := make([]string, len(l.tags))
	for i, key := range l.tags {
		parts[i] = `(SELECT lead_id FROM lead_tags WHERE account_id = ` + account + ` AND tag_key = ` + c.arg(key) + ` ORDER BY lead_id DESC LIMIT ` + enough + `)`
	}
	return db.Statement{
		SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = ` + account + ` AND id IN (SELECT lead_id FROM (` + strings.Join(parts, " UNION ") +
			`) AS tagged ORDER BY lead_id DESC LIMIT ` + size + ` OFFSET ` + offset + `) ORDER BY id DESC`,
		Args: c.args,
	}
}

// offsetStatement walks over the rows before the page, in the index where one has
// the order, and reads only the page's rows themselves.
func (l *listing) offsetStatement() db.Statement {
	c := l.clone()
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

// highestStatement is for PostgreSQL, on which leads_by_value, read backwards,
// begins with the leads without a value: these are put behind the others.
func (l *listing) highestStatement() db.Statement {
	c := l.clone()
	enough := c.arg(l.page.Offset() + l.page.Size)
	part := func(condition, order string) string {
		return `(SELECT id, value_cents FROM leads WHERE ` + c.sql() + ` AND ` + condition + ` ORDER BY ` + order + ` LIMIT ` + enough + `)`
	}
	return db.Statement{
		SQL: `SELECT ` + shownColumns + ` FROM leads WHERE account_id = $1 AND id IN (SELECT id FROM (` +
			part(`value_cents IS NOT NULL`, `value_cents DESC, id DESC`) + ` UNION ALL ` + part(`value_cents IS NULL`, `id DESC`) +
			`) AS parts ORDER BY ` + string(l.order) + ` LIMIT ` + c.arg(l.page.Size) + ` OFFSET ` + c.arg(l.page.Offset()) + `) ORDER BY ` + string(l.order),
		Args: c.args,
	}
}
