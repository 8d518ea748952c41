-- +goose Up

-- The channel said that the user cannot be reached: blocked, removed, gone. What
-- waits is kept until the user writes.
ALTER TABLE mapping ADD COLUMN unreachable_at timestamptz;
