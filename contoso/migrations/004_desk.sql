-- +goose Up
-- The order of the desk's list when it is read page by page, the newest first.
CREATE INDEX conversation_newest ON contoso.conversation (coalesce(ended_at, started_at) DESC, id DESC);
CREATE INDEX conversation_agent ON contoso.conversation (agent) WHERE state = 'active';

-- What agents write down about a conversation for each other. It never leaves the
-- desk, so it is no line.
CREATE TABLE contoso.note (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    conversation_id text        NOT NULL REFERENCES contoso.conversation (id),
    agent           text        NOT NULL,
    body            text        NOT NULL CHECK (body <> ''),
    key             text        CHECK (key <> ''), -- the Idempotency-Key it came with
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (conversation_id, key)
);

-- Replies that agents send again and again.
CREATE TABLE contoso.canned (
    name text PRIMARY KEY CHECK (name ~ '^\S{1,40}$'),
    body text NOT NULL CHECK (body <> '')
);

INSERT INTO contoso.canned (name, body)
VALUES ('hello', 'Hello {{user.name}}, this is {{agent.name}}. I am looking into it.'),
       ('moment', 'One moment, please.'),
       ('bye', 'Thank you for writing to us, {{user.name}}. Goodbye!');

ALTER TABLE contoso.presence
    -- How many conversations the agent takes without being asked; 0: they pick.
    ADD COLUMN accepts     integer     NOT NULL DEFAULT 0 CHECK (accepts >= 0),
    ADD COLUMN assigned_at timestamptz; -- when they were given one last

DROP VIEW contoso.conversation_shown;
CREATE VIEW contoso.conversation_shown AS
SELECT c.id, c.state, c.person, c.problem, c.channel, c.reference, c.variables,
       c.summary, c.skills, c.priority, c.queue, c.agent,
       coalesce(c.rating_score, 0) AS rating_score, c.rating_comment,
       c.started_at, c.ended_at, coalesce(c.ended_by, '') AS ended_by,
       coalesce(c.user_typing_at > now() - interval '6 seconds', false) AS user_typing,
       (SELECT count(*)
        FROM contoso.line l
        WHERE l.conversation_id = c.id AND l.author = 'user' AND l.event = 'message' AND l.position > c.read_through) AS unread,
       (SELECT count(*) FROM contoso.note n WHERE n.conversation_id = c.id) AS notes,
       -- Since when the user waits for an agent's words: NULL when it is the user's turn.
       CASE c.state
           WHEN 'waiting' THEN c.queued_at
           WHEN 'active' THEN (
               SELECT min(l.created_at)
               FROM contoso.line l
               WHERE l.conversation_id = c.id AND l.author = 'user' AND l.event = 'message' AND l.position > coalesce((
                   SELECT max(a.position)
                   FROM contoso.line a
                   WHERE a.conversation_id = c.id AND a.author = 'agent' AND a.event = 'message'), 0))
       END AS waiting_since,
       coalesce(newest.author, '') AS last_author,
       coalesce(newest.sender, '') AS last_sender,
       coalesce(newest.body, '') AS last_body,
       coalesce(newest.created_at, c.started_at) AS last_at
FROM contoso.conversation c
LEFT JOIN LATERAL (
    SELECT l.author, l.sender, l.created_at,
           coalesce(nullif(l.body, ''), (SELECT min(f.name) FROM contoso.file f WHERE f.line_id = l.id)) AS body
    FROM contoso.line l
    WHERE l.conversation_id = c.id AND l.event NOT IN ('edited', 'deleted', 'queued')
    ORDER BY l.position DESC
    LIMIT 1) newest ON true;
