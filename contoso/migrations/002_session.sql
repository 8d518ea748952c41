-- +goose Up
-- Agents who have signed in at the desk.
CREATE TABLE contoso.session (
    -- SHA-256 of the cookie's value: who reads this table can be nobody with it.
    id_hash    bytea       PRIMARY KEY CHECK (length(id_hash) = 32),
    subject    text        NOT NULL CHECK (subject <> ''), -- the issuer's id of the person
    name       text        NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(), -- to the minute: not every request writes
    CHECK (seen_at >= created_at)
);

CREATE INDEX session_seen ON contoso.session (seen_at);
