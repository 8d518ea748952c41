-- +goose Up

-- What may have arrived without our knowing is counted; a lane whose peer told
-- us to stop is parked.
ALTER TABLE lane
	ADD COLUMN doubts int NOT NULL DEFAULT 0, -- tries of the delivery behind the cursor that may have arrived
	ADD COLUMN parked_at timestamptz,         -- nothing is tried until somebody resumes it
	ADD CONSTRAINT lane_parked CHECK (parked_at IS NULL OR ready_at IS NULL);

CREATE INDEX lane_parked ON lane (parked_at) WHERE parked_at IS NOT NULL;

-- A delivery with an outcome is a letter: it was given up, and an operator
-- decides. A letter that is redriven is a new delivery, or the same once more.
ALTER TABLE delivery
	ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY, -- for people; only letters are found by it
	ADD COLUMN buried_at timestamptz,
	DROP CONSTRAINT delivery_outcome,
	ADD CONSTRAINT delivery_outcome CHECK (outcome IN ('dead', 'held', 'redriven', 'dropped'));

CREATE UNIQUE INDEX delivery_letter ON delivery (id) WHERE outcome IS NOT NULL;

COMMENT ON COLUMN attempt.class IS 'delivered, unavailable, fault, refused, expired, unreachable, lost';

-- What is pruned is found by its age. Block ranges cost next to nothing to keep.
CREATE INDEX delivery_age ON delivery USING brin (created_at) WITH (pages_per_range = 32);
CREATE INDEX attempt_age ON attempt USING brin (began_at) WITH (pages_per_range = 32);
CREATE INDEX accepted_age ON accepted USING brin (accepted_at) WITH (pages_per_range = 32);

-- What was accepted, but its sender may not have heard so: it may come again under
-- another key.
CREATE TABLE unheard (
	scope    text NOT NULL,
	likeness text NOT NULL, -- a digest of what a copy has in common with it
	key      text NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),

	PRIMARY KEY (scope, likeness, key)
);

-- When the next send of a budget that replicas share is due. It may be lost: after
-- a crash of the database nothing has been sent for longer than it remembers.
CREATE UNLOGGED TABLE pace (
	name    text PRIMARY KEY,
	next_at timestamptz NOT NULL
);

-- What operators did, and what they made unrecoverable.
CREATE TABLE audit (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      timestamptz NOT NULL DEFAULT now(),
	actor   text NOT NULL,
	action  text NOT NULL,
	subject text NOT NULL,
	detail  jsonb NOT NULL DEFAULT '{}' -- counts and classes; never anybody's words
);
