-- +goose Up
CREATE SCHEMA contoso;

-- Every Idempotency-Key that a start came with, or that was burnt by an end
-- before any start: then no conversation refers to it, and none ever will.
CREATE TABLE contoso.start_key (
    key     text        PRIMARY KEY CHECK (key <> ''),
    used_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE contoso.conversation (
    id           text        PRIMARY KEY DEFAULT gen_random_uuid()::text,
    start_key    text        UNIQUE REFERENCES contoso.start_key (key),
    -- waiting: nobody answered yet; active: an agent has written; ended: no more words.
    state        text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'active', 'ended')),
    -- What the caller told about the user: id, name, email, locale, timeZone, client.
    person       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(person) = 'object'),
    problem      text        NOT NULL DEFAULT '',
    channel      text        NOT NULL DEFAULT '',
    reference    text        NOT NULL DEFAULT '', -- the caller's own id of this conversation
    variables    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(variables) = 'object'),
    started_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    ended_by     text        CHECK (ended_by IN ('user', 'agent')),
    read_through bigint      NOT NULL DEFAULT 0, -- position of the last line an agent has seen
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_by IS NOT NULL))
);

CREATE INDEX conversation_ended ON contoso.conversation (ended_at DESC) WHERE state = 'ended';
CREATE INDEX conversation_open ON contoso.conversation (started_at) WHERE state <> 'ended';

-- What was said, and what happened, in the order it was accepted.
CREATE TABLE contoso.line (
    id              text        PRIMARY KEY DEFAULT gen_random_uuid()::text,
    conversation_id text        NOT NULL REFERENCES contoso.conversation (id),
    -- Taken under the conversation's row lock: within one conversation it is commit order.
    position        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    event           text        NOT NULL CHECK (event IN ('message', 'joined', 'ended')),
    author          text        NOT NULL CHECK (author IN ('user', 'agent', 'system')),
    sender          text        NOT NULL,
    body            text        NOT NULL,
    reason          text        NOT NULL DEFAULT '', -- why it ended
    key             text        CHECK (key <> ''),   -- the sender's Idempotency-Key
    -- now() is when the transaction began, which may be before the line ahead was written.
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (conversation_id, author, key),
    CHECK ((event = 'message') = (author <> 'system'))
);

CREATE INDEX line_thread ON contoso.line (conversation_id, position);

-- The promise to tell the webhook's receiver about a line.
CREATE TABLE contoso.webhook (
    line_id         text        PRIMARY KEY REFERENCES contoso.line (id),
    conversation_id text        NOT NULL REFERENCES contoso.conversation (id),
    position        bigint      NOT NULL, -- the line's
    state           text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    attempts        integer     NOT NULL DEFAULT 0, -- also the fence: an attempt settles only its own number
    -- Of a queued one: not before this time. An attempt under way moves it past its own end.
    due_at          timestamptz NOT NULL DEFAULT now(),
    failure         text        NOT NULL DEFAULT '' -- how the last attempt went wrong
);

CREATE UNIQUE INDEX webhook_queue ON contoso.webhook (conversation_id, position) WHERE state = 'queued';
CREATE INDEX webhook_due ON contoso.webhook (due_at) WHERE state = 'queued';

-- What changed, for readers that follow. A sequence would not do: it is not
-- commit order. The counter's row is locked last in every writing transaction,
-- so that whoever sees number n has seen every number before it.
CREATE TABLE contoso.event_counter (
    single boolean PRIMARY KEY DEFAULT true CHECK (single), -- one row
    value  bigint  NOT NULL
);

INSERT INTO contoso.event_counter (value) VALUES (0);

CREATE TABLE contoso.event (
    seq             bigint      PRIMARY KEY,
    conversation_id text        NOT NULL REFERENCES contoso.conversation (id),
    line_id         text        REFERENCES contoso.line (id), -- NULL: only the conversation's own facts
    at              timestamptz NOT NULL DEFAULT now()
);

-- A line as the desk and the API show it.
CREATE VIEW contoso.line_shown AS
SELECT l.id, l.conversation_id, l.position, l.event, l.author, l.sender, l.body, l.reason,
       coalesce(l.key, '') AS key,
       coalesce(w.state, '') AS state,
       coalesce(w.failure, '') AS failure,
       l.created_at
FROM contoso.line l
LEFT JOIN contoso.webhook w ON w.line_id = l.id;

-- A conversation as the desk shows it.
CREATE VIEW contoso.conversation_shown AS
SELECT c.id, c.state, c.person, c.problem, c.channel, c.reference, c.variables,
       c.started_at, c.ended_at, coalesce(c.ended_by, '') AS ended_by,
       (SELECT count(*)
        FROM contoso.line l
        WHERE l.conversation_id = c.id AND l.author = 'user' AND l.position > c.read_through) AS unread,
       -- Since when the user waits for an agent's words: NULL when it is the user's turn.
       CASE c.state
           WHEN 'waiting' THEN c.started_at
           WHEN 'active' THEN (
               SELECT min(l.created_at)
               FROM contoso.line l
               WHERE l.conversation_id = c.id AND l.author = 'user' AND l.position > coalesce((
                   SELECT max(a.position)
                   FROM contoso.line a
                   WHERE a.conversation_id = c.id AND a.author = 'agent'), 0))
       END AS waiting_since,
       coalesce(newest.author, '') AS last_author,
       coalesce(newest.sender, '') AS last_sender,
       coalesce(newest.body, '') AS last_body,
       coalesce(newest.created_at, c.started_at) AS last_at
FROM contoso.conversation c
LEFT JOIN LATERAL (
    SELECT l.author, l.sender, l.body, l.created_at
    FROM contoso.line l
    WHERE l.conversation_id = c.id
    ORDER BY l.position DESC
    LIMIT 1) newest ON true;
