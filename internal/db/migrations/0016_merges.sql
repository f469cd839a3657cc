-- +goose Up

-- The trash is listed, and purged, by when a lead came into it.
DROP INDEX leads_trash;
CREATE INDEX leads_trash ON leads (account_id, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- Files in the blob folder whose messages are gone, until they are removed, too.
CREATE TABLE media_removals (
    account_id BIGINT NOT NULL,
    file       TEXT NOT NULL, -- as messages.media_file had it
    PRIMARY KEY (account_id, file)
)/*sqlite: WITHOUT ROWID*/;

-- +goose Down
DROP TABLE media_removals;
DROP INDEX leads_trash;
CREATE INDEX leads_trash ON leads (account_id, id) WHERE deleted_at IS NOT NULL;
