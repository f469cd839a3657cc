package leads

import "syncro/internal/db"

// throughBlocks tells whether lead_blocks can lead to the page.
func (l *listing) throughBlocks() bool {
	return l.counted != nil && len(l.pipelines) > 0 && l.order == newestFirst && l.page.Offset() >= blockSize
}

// readThroughBlocks counts the list and writes the page.
func (l *listing) readThroughBlocks(q db.Querier) error {
	if l.engine == db.SQLite {
		return l.addUpBlocks(q)
	}
	p := q.Pipeline(l.countStatement(), l.blockStatement())
	if err := db.Get(p.Next(), &l.total); err != nil {
		return err
	}
	rows := p.Next()
	if rows.Next() {
		return l.writeFrom(q, rows)
	}
	if err := rows.Close(); err != nil || l.page.Offset() >= l.total {
		return err
	}
	// The blocks that were looked at do not reach so far.
	page := l.offsetStatement()
	return l.write(q, q.Query(page.SQL, page.Args...))
}

// addUpBlocks is for SQLite, where a read sees one snapshot anyway, and adding up
// here costs a quarter of blockStatement.
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
	c := l.conditions.clone()
	return l.write(q, q.Query(`SELECT `+shownColumns+` FROM leads WHERE account_id = $1 AND id IN (SELECT id FROM leads WHERE `+c.sql()+` AND id < `+c.arg((block+1)*blockSize)+
		` ORDER BY id DESC LIMIT `+c.arg(l.page.Size)+` OFFSET `+c.arg(l.page.Offset()-before)+`) ORDER BY id DESC`, c.args...))
}

// blockStatement finds, in the counts per block of ids, the block that the page
// begins in, and walks from that block's upper end only. It looks at enough blocks
// for a list that fills a quarter of them; a thinner one gives no row, and the
// caller falls back. Both happen in one statement, so that the counts and the
// rows are of one moment.
func (l *listing) blockStatement() db.Statement {
	c := l.conditions.clone()
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
