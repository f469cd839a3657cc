-- +goose Up

-- account_id is part of the index, so that a search costs what its own account
-- has, however many others there are.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX leads_search ON leads USING gin (account_id, search_text gin_trgm_ops, search_phone gin_trgm_ops)
    WHERE deleted_at IS NULL AND merged_into IS NULL;

-- Which listed leads have a tag. No foreign key: it is written with the lead, and
-- a key would cost an index of its own.
CREATE TABLE lead_tags (
    account_id BIGINT NOT NULL,
    tag_key    TEXT NOT NULL, -- folded to lower case
    lead_id    BIGINT NOT NULL,
    PRIMARY KEY (account_id, tag_key, lead_id)
);

-- +goose Down
DROP TABLE lead_tags;
DROP INDEX leads_search;
