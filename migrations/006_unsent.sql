-- +goose Up

-- A lane that waits for its turn has an owner, but nothing of it is on its way: if
-- that owner dies, nothing is in doubt.
ALTER TABLE lane ADD COLUMN unsent bigint; -- the epoch whose owner has not begun to send what is behind the cursor
