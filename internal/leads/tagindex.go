package leads

import (
	"iter"

	"syncro/internal/authz"
	"syncro/internal/db"
)

// The index of tags tells which listed leads have a tag, by the tag's key. On
// PostgreSQL it is lead_tags, a row for each of them, so that simultaneous writers
// do not meet. On SQLite, where one writes at a time, it is tag_blocks: a row for
// each packed block of them.

// indexTags writes the difference of two states of a lead's tags to the index.
func indexTags(tx *db.Tx, actor authz.Actor, before, after *Lead) error {
	if before != nil && before.Tags == after.Tags && before.listed() == after.listed() {
		return nil
	}
	was, is := before.indexedTags(), after.indexedTags()
	gone, added := without(was, is), without(is, was)
	if tx.Engine() == db.SQLite {
		for _, key := range gone {
			if err := changeTagBlock(tx, actor.AccountID, key, after.ID/setBlock, func(b *idBlock) { b.remove(after.ID) }); err != nil {
				return err
			}
		}
		for _, key := range added {
			if err := changeTagBlock(tx, actor.AccountID, key, after.ID/setBlock, func(b *idBlock) { b.add(after.ID) }); err != nil {
				return err
			}
		}
		return nil
	}
	if len(gone) > 0 {
		if err := tx.Queue(`DELETE FROM lead_tags WHERE account_id = $1 AND lead_id = $2 AND tag_key = ANY($3)`, actor.AccountID, after.ID, gone); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	return tx.Queue(`INSERT INTO lead_tags (account_id, tag_key, lead_id) SELECT $1::bigint, t.key, $2::bigint FROM unnest($3::text[]) AS t(key)`,
		actor.AccountID, after.ID, added)
}

// indexedTags are the keys that the index has the lead under; l may be nil.
func (l *Lead) indexedTags() []string {
	if l == nil || !l.listed() || l.Tags == "[]" {
		return nil
	}
	return tagKeys(l.TagNames())
}

// changeTagBlock changes which leads of a block have a tag, on SQLite.
func changeTagBlock(tx *db.Tx, account int64, key string, number int64, change func(*idBlock)) error {
	var b idBlock
	var packed []byte
	rows := tx.Query(`SELECT leads FROM tag_blocks WHERE account_id = $1 AND tag_key = $2 AND block = $3`, account, key, number)
	stored := rows.Next()
	if stored {
		rows.Borrow(&packed)
		b.unite(packed)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	change(&b)
	packed = b.packed()
	switch {
	case len(packed) == 0:
		return tx.Queue(`DELETE FROM tag_blocks WHERE account_id = $1 AND tag_key = $2 AND block = $3`, account, key, number)
	case stored:
		return tx.Queue(`UPDATE tag_blocks SET leads = $4 WHERE account_id = $1 AND tag_key = $2 AND block = $3`, account, key, number, packed)
	default:
		return tx.Queue(`INSERT INTO tag_blocks (account_id, tag_key, block, leads) VALUES ($1, $2, $3, $4)`, account, key, number, packed)
	}
}

// tagged are the leads with any of the tags, on SQLite.
func tagged(q db.Querier, actor authz.Actor, keys []string) (idSet, error) {
	set := idSet{}
	for _, key := range keys {
		var number int64
		var packed []byte
		places := []any{&number, &packed}
		rows := q.Query(`SELECT block, leads FROM tag_blocks WHERE account_id = $1 AND tag_key = $2`, actor.AccountID, key)
		for rows.Next() {
			rows.Borrow(places...)
			set.block(number).unite(packed)
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// loadTags indexes the tags of new leads.
func loadTags(tx *db.Tx, account int64, batch []*Lead) error {
	if tx.Engine() == db.Postgres {
		_, err := tx.Load("lead_tags", []string{"account_id", "tag_key", "lead_id"}, tagRows(account, batch))
		return err
	}
	type place struct {
		key   string
		block int64
	}
	added := map[place][]int64{}
	for _, l := range batch {
		for _, key := range l.indexedTags() {
			at := place{key, l.ID / setBlock}
			added[at] = append(added[at], l.ID)
		}
	}
	for at, ids := range added {
		err := changeTagBlock(tx, account, at.key, at.block, func(b *idBlock) {
			for _, id := range ids {
				b.add(id)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func tagRows(account int64, batch []*Lead) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, l := range batch {
			for _, key := range l.indexedTags() {
				if !yield([]any{account, key, l.ID}) {
					return
				}
			}
		}
	}
}
