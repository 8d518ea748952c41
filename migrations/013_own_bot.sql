-- +goose Up

-- When the user followed the link from Microsoft 365 Copilot that made the mapping,
-- until a person's first words to them: NULL from then on, and without a link.
ALTER TABLE mapping ADD COLUMN followed_at timestamptz;
