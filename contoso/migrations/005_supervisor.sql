-- +goose Up
ALTER TABLE contoso.conversation
    ADD COLUMN accepted_at timestamptz; -- when the first agent took it; answered_at is the last

UPDATE contoso.conversation c
SET accepted_at = coalesce((
    SELECT min(l.created_at)
    FROM contoso.line l
    WHERE l.conversation_id = c.id AND l.event = 'joined'), c.answered_at);

CREATE INDEX conversation_started ON contoso.conversation (started_at, id);
CREATE INDEX conversation_accepted ON contoso.conversation (accepted_at) WHERE accepted_at IS NOT NULL;

-- What supervisors set. Whoever writes names the version they have read.
CREATE TABLE contoso.settings (
    single       boolean     PRIMARY KEY DEFAULT true CHECK (single), -- one row
    version      bigint      NOT NULL DEFAULT 1,
    changed_by   text        NOT NULL DEFAULT '',
    changed_at   timestamptz NOT NULL DEFAULT now(),
    hours        jsonb       CHECK (jsonb_typeof(hours) = 'object'), -- NULL: at any time
    wait_minutes integer     NOT NULL DEFAULT 5 CHECK (wait_minutes BETWEEN 0 AND 1440), -- then a user is overdue; 0: never
    idle_minutes integer     NOT NULL DEFAULT 15 CHECK (idle_minutes BETWEEN 0 AND 1440) -- then a conversation is idle; 0: never
);

INSERT INTO contoso.settings DEFAULT VALUES;

-- The queues that agents are offered. Conversations name theirs: a caller may name
-- one that is not here, and the usual one has no name.
CREATE TABLE contoso.queue (
    id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name  text   NOT NULL CHECK (name <> ''),
    hours jsonb  CHECK (jsonb_typeof(hours) = 'object'), -- NULL: those of the settings
    UNIQUE (name) DEFERRABLE INITIALLY DEFERRED -- two may swap their names
);

INSERT INTO contoso.queue (name)
SELECT DISTINCT queue
FROM contoso.conversation
WHERE queue <> '' AND state <> 'ended';

-- Who did what beside answering. Rows are added, never changed.
CREATE TABLE contoso.audit (
    id       bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL, -- empty where nobody signs in and the page does not say
    actor_id text        NOT NULL DEFAULT '', -- the issuer's id of the person
    action   text        NOT NULL CHECK (action IN ('view', 'export', 'settings', 'canned', 'end')),
    subject  text        NOT NULL -- what of: ids of conversations, days, what was set
);

ALTER TABLE contoso.session
    ADD COLUMN supervisor boolean NOT NULL DEFAULT false;
