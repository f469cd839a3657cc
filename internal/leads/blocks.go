package leads

import (
	"strconv"

	"syncro/internal/db"
)

// throughBlocks tells whether lead_blocks can lead to the page.
func (l *listing) throughBlocks() bool {
	return l.counted != nil && len(l.pipelines) > 0 && l.order == newestFirst && l.page.Offset() >= blockSize
}

// addUpBlocks does on SQLite what [listing.blockStatement] does on PostgreSQL: a
// read sees one snapshot anyway, and adding up here costs a quarter.
func (l *listing) addUpBlocks(q db.Querier) error {
	count := l.countStatement()
	if err := db.Get(q.Query(count.SQL, count.Args...), &l.total); err != nil || l.page.Offset() >= l.total {
		return err
	}
	statement := `SELECT block, sum(leads) FROM lead_blocks WHERE account_id = $1 AND pipeline_id = ANY($2) GROUP BY block ORDER BY block DESC`
	pipelines := any(l.pipelines)
	if len(l.pipelines) == 1 { // one row for each block, in the order of the key
		statement, pipelines = `SELECT block, leads FROM lead_blocks WHERE account_id = $1 AND pipeline_id = $2 ORDER BY block DESC`, l.pipelines[0]
	}
	var block, leads, before int64
	places := []any{&block, &leads}
	blocks := q.Query(statement, l.actor.AccountID, pipelines)
	for blocks.Next() {
		if blocks.Scan(places...); before+leads > l.page.Offset() {
			break
		}
		before += leads
	}
	if err := blocks.Close(); err != nil {
		return err
	}
	c := l.clone()
	return l.write(q, q.Query(`SELECT `+shownColumns+` FROM leads WHERE account_id = $1 AND id IN (SELECT id FROM leads WHERE `+c.sql()+` AND id < `+c.arg((block+1)*blockSize)+
		` ORDER BY id DESC LIMIT `+c.arg(l.page.Size)+` OFFSET `+c.arg(l.page.Offset()-before)+`) ORDER BY id DESC`, c.args...))
}

// blockStatement finds, in the counts per block of ids, the block that the page
// begins in, walks from that block's upper end to the page's first id, and reads
// the page from there. All happens in one statement, so that the counts and the
// rows are of one moment.
func (l *listing) blockStatement() db.Statement {
	c := l.clone()
	offset := c.arg(l.page.Offset()) + "::bigint"
	var blocks, page string
	if l.ofPipeline() {
		blocks = "pipeline_id = $2"
		page = l.pipelinePage(listed + ` AND pipeline_id >= (SELECT $2::bigint) AND (pipeline_id, id) <= ((SELECT $2::bigint), (SELECT id FROM first))`)
	} else {
		blocks = "pipeline_id = ANY(" + c.arg(l.pipelines) + ")"
		page = c.sql() + ` AND id <= (SELECT id FROM first) ORDER BY id DESC LIMIT ` + c.arg(l.page.Size)
	}
	return db.Statement{
		SQL: `WITH sums AS (SELECT block, sum(leads) AS leads, sum(sum(leads)) OVER (ORDER BY block DESC) AS upto FROM lead_blocks WHERE account_id = $1 AND ` + blocks + ` GROUP BY block),
			start AS (SELECT block, (upto - leads)::bigint AS before FROM sums WHERE upto > ` + offset + ` ORDER BY block DESC LIMIT 1),
			first AS (SELECT id FROM leads WHERE ` + c.sql() + ` AND id < (SELECT (block + 1) * ` + strconv.Itoa(blockSize) + ` FROM start) ORDER BY id DESC LIMIT 1 OFFSET ` + offset + ` - (SELECT before FROM start))
			SELECT ` + shownColumns + ` FROM leads WHERE account_id = $1 AND ` + page,
		Args: c.args,
	}
}
