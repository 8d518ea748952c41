-- +goose Up

-- A mapping ties one conversation of a user with a copilot to one hub
-- conversation. Its states and their transitions are drawn in docs/design.md.
CREATE TABLE mapping (
	id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	state            text NOT NULL,
	bot_app_id       text NOT NULL, -- the copilot's (or our bot's) app id, from its verified token, lower case
	conversation_id  text NOT NULL, -- the user's conversation in the channel; opaque
	tenant_id        text NOT NULL,
	user_id          text NOT NULL,
	hub              text NOT NULL, -- the configured hub's name
	hub_conversation text,          -- the hub's id for it; NULL until it is open
	open_key         uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), -- the hub's idempotency key for opening
	teams            jsonb NOT NULL, -- where the user is reached, as of the last inbound activity
	connector        text,           -- last Bot Connector URL seen on the wire
	host             jsonb,          -- where the skill host is answered; NULL when Teams calls us itself
	host_active      boolean NOT NULL DEFAULT false, -- the host routes the user's words to us and waits for our end
	closed_by        text,
	opened_at        timestamptz NOT NULL DEFAULT now(),
	joined_at        timestamptz,
	ended_at         timestamptz,
	closed_at        timestamptz,

	CONSTRAINT mapping_state CHECK (state IN ('opening', 'waiting', 'active', 'ending', 'closed', 'failed')),
	CONSTRAINT mapping_closed_by CHECK (closed_by IN ('user', 'agent', 'idle', 'cap', 'unreachable', 'operator', 'host')),
	CONSTRAINT mapping_hub_known CHECK (hub_conversation IS NOT NULL OR state IN ('opening', 'closed', 'failed')),
	CONSTRAINT mapping_over CHECK ((state IN ('closed', 'failed')) = (closed_at IS NOT NULL)),
	CONSTRAINT mapping_ended CHECK (state NOT IN ('ending', 'closed') OR closed_by IS NOT NULL)
);

-- Control is with at most one hub conversation at a time. One that is ending has
-- given control back already.
CREATE UNIQUE INDEX mapping_open ON mapping (bot_app_id, conversation_id)
	WHERE state IN ('opening', 'waiting', 'active');
CREATE UNIQUE INDEX mapping_hub ON mapping (hub_conversation, hub); -- a copilot names the conversation only
CREATE INDEX mapping_conversation ON mapping (bot_app_id, conversation_id, id);
CREATE INDEX mapping_tenant ON mapping (tenant_id, id) WHERE connector IS NOT NULL;

-- What both sides said while the mapping held, in order.
CREATE TABLE entry (
	mapping bigint NOT NULL REFERENCES mapping ON DELETE CASCADE,
	id      bigint GENERATED ALWAYS AS IDENTITY, -- in order within a mapping: its row is locked
	side    text NOT NULL,
	name    text NOT NULL,
	text    text NOT NULL,
	key     text NOT NULL, -- the peer's own id of it; '' for none
	said_at timestamptz NOT NULL DEFAULT now(),

	PRIMARY KEY (mapping, id),
	CONSTRAINT entry_side CHECK (side IN ('user', 'agent', 'system'))
);
