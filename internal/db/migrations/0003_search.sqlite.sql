-- +goose Up

-- The index of the listed leads' search text. Its rowid is account_id << 40 |
-- lead id: a search of one account is a range of it, in the order of the list.
-- The text is folded in Go, so the tokenizer must not fold it again.
CREATE VIRTUAL TABLE leads_fts USING fts5(search_text, search_phone, tokenize = 'trigram case_sensitive 1', content = '', contentless_delete = 1);

-- Leads that were changed since they were indexed: indexing them in batches costs
-- a fiftieth of doing it with each change. A search scans them besides the index.
CREATE TABLE search_queue (
    account_id BIGINT NOT NULL,
    lead_id    BIGINT NOT NULL,
    PRIMARY KEY (account_id, lead_id)
) WITHOUT ROWID;

-- Counts the changes of the index, for what is remembered of searches.
CREATE TABLE search_generations (
    account_id BIGINT PRIMARY KEY,
    generation BIGINT NOT NULL
) WITHOUT ROWID;

-- Which listed leads have a tag: a row is the set of those with ids in a block of
-- 8192, packed as internal/leads/idset.go says.
CREATE TABLE tag_blocks (
    account_id BIGINT NOT NULL,
    tag_key    TEXT NOT NULL, -- folded to lower case
    block      BIGINT NOT NULL, -- id / 8192
    leads      BLOB NOT NULL,
    PRIMARY KEY (account_id, tag_key, block)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE tag_blocks;
DROP TABLE search_generations;
DROP TABLE search_queue;
DROP TABLE leads_fts;
