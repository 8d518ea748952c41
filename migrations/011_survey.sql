-- +goose Up

-- What a user was asked about a conversation that is over, once.
CREATE TABLE survey (
	token_hash  bytea PRIMARY KEY, -- SHA-256 of the secret in its link, which only the user has
	mapping     bigint NOT NULL UNIQUE REFERENCES mapping ON DELETE CASCADE,
	expires_at  timestamptz NOT NULL,
	answered_at timestamptz,
	score       smallint,          -- the comment is the hub's alone

	CONSTRAINT survey_token_hash CHECK (octet_length(token_hash) = 32),
	CONSTRAINT survey_score CHECK (score BETWEEN 1 AND 5),
	CONSTRAINT survey_answer CHECK ((answered_at IS NULL) = (score IS NULL))
);
