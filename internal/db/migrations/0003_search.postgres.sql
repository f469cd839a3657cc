-- +goose Up

-- account_id is part of the index, so that a search costs what its own account
-- has, however many others there are.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX leads_search ON leads USING gin (account_id, search_text gin_trgm_ops, search_phone gin_trgm_ops)
    WHERE deleted_at IS NULL AND merged_into IS NULL;

-- +goose Down
DROP INDEX leads_search;
