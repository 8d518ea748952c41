-- +goose Up

-- A lane is one conversation's queue to one destination. It has one owner at a
-- time. ready_at is its only schedule: NULL, idle; past, anyone may take it;
-- future, leased to owner or waiting for its next try.
CREATE TABLE lane (
	destination  text NOT NULL,
	conversation text NOT NULL,           -- ordering key, opaque to the outbox
	last_seq     bigint NOT NULL,         -- newest delivery
	acked_seq    bigint NOT NULL DEFAULT 0, -- cursor: every delivery up to it has its final outcome
	ready_at     timestamptz,
	owner        text,                    -- replica/incarnation; stays when it may have sent what it never acknowledged
	epoch        bigint NOT NULL,         -- grows with every owner; fences acknowledgements
	born         xid8,                    -- transaction that made the lane busy
	attempts     int NOT NULL DEFAULT 0,  -- tries of the delivery behind the cursor
	faults       int NOT NULL DEFAULT 0,  -- those the peer answered with a fault of its own

	PRIMARY KEY (destination, conversation),
	CONSTRAINT lane_cursor CHECK (acked_seq BETWEEN 0 AND last_seq),
	CONSTRAINT lane_owner CHECK (owner IS NULL OR ready_at IS NOT NULL)
) WITH (fillfactor = 70); -- a lane changes with every message: its versions share a page

CREATE INDEX lane_ready ON lane (destination, ready_at) WHERE ready_at IS NOT NULL;

-- A delivery is a promise. It is pending while its seq is beyond its lane's
-- cursor; behind it, it was delivered unless outcome says otherwise.
CREATE TABLE delivery (
	destination  text NOT NULL,
	conversation text NOT NULL,
	seq          bigint NOT NULL, -- gapless, in commit order within the lane
	key          text NOT NULL,   -- the peer's id of what it came from; '' for none
	payload      json NOT NULL,   -- json, not jsonb: kept to the byte, U+0000 and all
	settle       boolean NOT NULL, -- the destination wants to know how it ended
	created_at   timestamptz NOT NULL DEFAULT now(),
	expires_at   timestamptz,     -- no attempt begins after it
	outcome      text,
	reason       text,            -- class and status of the last attempt; never anybody's words

	PRIMARY KEY (destination, conversation, seq),
	CONSTRAINT delivery_outcome CHECK (outcome IN ('dead', 'held')),
	FOREIGN KEY (destination, conversation) REFERENCES lane
);

CREATE INDEX delivery_outcome ON delivery (outcome, created_at) WHERE outcome IS NOT NULL;
CREATE INDEX delivery_key ON delivery (key) WHERE key <> '';

-- What was accepted, so that a repeated post has one effect. Scopes are wider
-- than lanes: a repeat may arrive when its lane is long gone.
CREATE TABLE accepted (
	scope       text NOT NULL,
	key         text NOT NULL,
	accepted_at timestamptz NOT NULL DEFAULT now(),

	PRIMARY KEY (scope, key)
);

-- One try of one delivery. Append-only, written with the acknowledgement.
CREATE TABLE attempt (
	destination  text NOT NULL,
	conversation text NOT NULL,
	seq          bigint NOT NULL,
	began_at     timestamptz NOT NULL,
	took         interval NOT NULL,
	class        text NOT NULL, -- delivered, unavailable, fault, refused, expired
	status       int NOT NULL,  -- HTTP status, 0 without an answer
	ambiguous    boolean NOT NULL, -- the peer may have done it although it failed
	owner        text NOT NULL
);

CREATE INDEX attempt_delivery ON attempt (destination, conversation, seq);
