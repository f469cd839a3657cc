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

-- +goose Down
DROP TABLE search_queue;
DROP TABLE leads_fts;
