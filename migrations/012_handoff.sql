-- +goose Up

-- A handoff is a conversation in Microsoft 365 Copilot that may go on in our own
-- bot's chat, once, for whoever comes with the token of its link.
CREATE TABLE handoff (
	token_hash  bytea PRIMARY KEY, -- SHA-256; the token itself is in the link alone
	tenant_id   text NOT NULL,
	user_id     text NOT NULL,     -- in Entra ID; '' for anybody of the tenant
	bot_app_id  text NOT NULL,     -- lower case
	context     jsonb,             -- what the hub's agent is told; NULL when it was, or cannot be any more
	made_at     timestamptz NOT NULL DEFAULT now(),
	expires_at  timestamptz NOT NULL,
	redeemed_at timestamptz,

	CONSTRAINT handoff_token_hash CHECK (octet_length(token_hash) = 32),
	CONSTRAINT handoff_tenant CHECK (tenant_id <> ''),
	CONSTRAINT handoff_bot CHECK (bot_app_id <> ''),
	CONSTRAINT handoff_once CHECK (redeemed_at IS NULL OR context IS NULL)
);

CREATE INDEX handoff_expires ON handoff (expires_at);
CREATE INDEX handoff_user ON handoff (user_id) WHERE user_id <> '';
