-- +goose Up

-- A relay is a conversation in a hub's own chat, between its user and a copilot
-- over Direct Line, until people take over. What is known of the conversation over
-- Direct Line is in two parts, for two writers: token is written by whoever gets
-- one, heard by who listens.
CREATE TABLE relay (
	id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hub              text NOT NULL, -- the configured hub's name
	hub_conversation text NOT NULL, -- the hub's id for it
	state            text NOT NULL DEFAULT 'copilot',
	turn             bigint NOT NULL DEFAULT 1, -- grows whenever control changes hands: what was promised before does not count
	user_id          text NOT NULL, -- the hub's; '' is not known
	profile          json NOT NULL, -- what else the hub tells of the user
	known            json NOT NULL DEFAULT '{}', -- what a copilot that begins anew is told
	unsaid           json,          -- the copilot has to hear first that nobody takes over
	choices          json,          -- what the copilot suggested last; its user may answer with a number
	talk             bigint NOT NULL DEFAULT 0, -- grows with every conversation over Direct Line
	token            json,          -- of the present one; a secret
	token_until      timestamptz,
	introduced       boolean NOT NULL DEFAULT false, -- its copilot knows that somebody is there
	heard            json,          -- up to where it was heard
	awake            boolean NOT NULL DEFAULT false, -- somebody talks: one replica listens
	listener         text,          -- replica/incarnation
	listen_until     timestamptz,   -- the listener's lease; or, without a listener, not before
	epoch            bigint NOT NULL DEFAULT 0, -- grows with every listener, and fences what it heard
	refresh_at       timestamptz,   -- when the token is renewed although nobody talks; NULL: it is not
	delayed_at       timestamptz,   -- when the user was last told that words are late
	opened_at        timestamptz NOT NULL DEFAULT now(),
	spoke_at         timestamptz NOT NULL DEFAULT now(), -- when somebody last talked
	ended_at         timestamptz,

	UNIQUE (hub_conversation, hub),
	CONSTRAINT relay_state CHECK (state IN ('copilot', 'passing', 'people', 'ended')),
	CONSTRAINT relay_ended CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
	CONSTRAINT relay_token CHECK ((token IS NULL) = (token_until IS NULL)),
	CONSTRAINT relay_awake CHECK (NOT awake OR token IS NOT NULL),
	CONSTRAINT relay_lease CHECK (listener IS NULL OR listen_until IS NOT NULL)
) WITH (fillfactor = 70); -- a relay changes with every message: its versions share a page

CREATE INDEX relay_awake ON relay (listen_until) WHERE awake;
CREATE INDEX relay_refresh ON relay (refresh_at) WHERE refresh_at IS NOT NULL;
CREATE INDEX relay_user ON relay (user_id) WHERE user_id <> '';
CREATE INDEX relay_spoke ON relay (spoke_at);
