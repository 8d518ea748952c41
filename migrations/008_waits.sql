-- +goose Up

-- A conversation's waits. Nothing is timed in memory: wake_at is when somebody
-- looks what they call for, any replica, once.
ALTER TABLE mapping
	ADD COLUMN wake_at timestamptz,
	ADD COLUMN waiting_at timestamptz,  -- since when the user has waited for an agent
	ADD COLUMN queue jsonb,             -- how they wait, as the hub last said
	ADD COLUMN queue_news boolean NOT NULL DEFAULT false, -- the user was not told of it yet
	ADD COLUMN told_at timestamptz,     -- when the user was last told how they wait
	ADD COLUMN asks text,               -- what the user was asked and did not answer yet
	ADD COLUMN offered_at timestamptz,  -- when they were asked
	ADD COLUMN reminded_at timestamptz, -- when they were asked whether they are still there
	ADD COLUMN overdue_at timestamptz,  -- when they were told that their words take long
	ADD COLUMN typing_at timestamptz,   -- when an agent's typing was last shown
	ADD COLUMN zone text NOT NULL DEFAULT '',    -- the user's time zone, IANA
	ADD COLUMN agent text NOT NULL DEFAULT '',   -- who has the conversation, by name
	ADD COLUMN problem text NOT NULL DEFAULT '', -- what it is about
	ADD COLUMN reason text NOT NULL DEFAULT '',  -- why it ended, or was not begun
	ADD COLUMN summary text NOT NULL DEFAULT '', -- what the agent made of it
	ADD CONSTRAINT mapping_asks CHECK (asks IN ('choice', 'message'));

-- What is open is looked at once, and so is what the release before opens beside us.
UPDATE mapping SET wake_at = now() WHERE closed_at IS NULL;
ALTER TABLE mapping ALTER COLUMN wake_at SET DEFAULT now();

CREATE INDEX mapping_wake ON mapping (wake_at) WHERE wake_at IS NOT NULL;

-- The hub's id of an agent's message, by which the agent edits it later, and the
-- peer's id of what it took.
ALTER TABLE entry ADD COLUMN message text NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN receipt text NOT NULL DEFAULT '';
