-- +goose Up

-- A file came with somebody's words. Its states: pending until its content is
-- here, then ready, or failed for good.
CREATE TABLE file (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner        text NOT NULL, -- what it goes with, and is deleted with; opaque
	direction    text NOT NULL,
	name         text NOT NULL, -- safe to show and to save under
	claimed_type text NOT NULL, -- '' for none
	claimed_size bigint,
	source       text NOT NULL, -- URL to fetch from; may be a key, so '' as soon as it is of no use
	credential   text NOT NULL, -- whose credential goes to its host; '' for none
	state        text NOT NULL DEFAULT 'pending',
	failure      text,
	type         text,          -- as found in the content
	size         bigint,
	sha256       bytea,
	created_at   timestamptz NOT NULL DEFAULT now(),
	linked_until timestamptz,   -- when the last link to it expires
	expires_at   timestamptz NOT NULL,

	CONSTRAINT file_direction CHECK (direction IN ('to_agent', 'to_user')),
	CONSTRAINT file_name CHECK (octet_length(name) BETWEEN 1 AND 200),
	CONSTRAINT file_state CHECK (state IN ('pending', 'ready', 'failed')),
	CONSTRAINT file_source CHECK ((source <> '') = (state = 'pending')),
	CONSTRAINT file_failure CHECK ((failure IS NOT NULL) = (state = 'failed')),
	CONSTRAINT file_content CHECK ((num_nulls(type, size, sha256) = 0) = (state = 'ready')),
	CONSTRAINT file_sha256 CHECK (octet_length(sha256) = 32)
);

CREATE INDEX file_owner ON file (owner);
CREATE INDEX file_expires ON file (expires_at);

-- The content of a file, in parts of 256 KiB but for the last. While the file is
-- pending there may be parts of several fetches, none of which anybody reads; once
-- it is ready only those of the one that came to the end.
CREATE TABLE file_part (
	file    bigint NOT NULL REFERENCES file ON DELETE CASCADE,
	n       int NOT NULL,
	attempt uuid NOT NULL, -- which fetch wrote it
	content bytea NOT NULL,

	PRIMARY KEY (file, n, attempt),
	CONSTRAINT file_part_content CHECK (octet_length(content) BETWEEN 1 AND 262144)
);

-- Most files are compressed already.
ALTER TABLE file_part ALTER COLUMN content SET STORAGE EXTERNAL;

-- What links are signed with: the newest; the others are good for what they
-- signed.
CREATE TABLE file_key (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	secret     bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),

	CONSTRAINT file_key_secret CHECK (octet_length(secret) = 32)
);
