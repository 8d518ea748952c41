-- +goose Up

-- Who has only opened a chat has said nothing that could be late.
ALTER TABLE relay ADD COLUMN asked_at timestamptz; -- when the user first said something to the copilot
