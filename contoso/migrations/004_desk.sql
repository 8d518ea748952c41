-- +goose Up
-- The order of the desk's list when it is read page by page, the newest first.
CREATE INDEX conversation_newest ON contoso.conversation (coalesce(ended_at, started_at) DESC, id DESC);
