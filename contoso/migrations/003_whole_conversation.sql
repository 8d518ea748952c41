-- +goose Up
-- What a conversation gains beside words: context, an agent who has it, a queue,
-- events, changes of what was said, files and a rating.
ALTER TABLE contoso.conversation
    ADD COLUMN summary        text        NOT NULL DEFAULT '',
    ADD COLUMN transcript     jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(transcript) = 'array'),
    ADD COLUMN earlier        jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(earlier) = 'array'),
    ADD COLUMN skills         text[]      NOT NULL DEFAULT '{}',
    ADD COLUMN priority       integer     NOT NULL DEFAULT 0,
    ADD COLUMN queue          text        NOT NULL DEFAULT '', -- the usual one has no name
    ADD COLUMN agent          text        NOT NULL DEFAULT '', -- who has an active one
    ADD COLUMN queued_at      timestamptz NOT NULL DEFAULT now(), -- since when a waiting one waits
    ADD COLUMN answered_at    timestamptz, -- when an agent took it last
    ADD COLUMN waited         interval,    -- how long it had waited then
    ADD COLUMN told_place     integer     NOT NULL DEFAULT 0, -- the place in the queue the user knows
    ADD COLUMN told_at        timestamptz,
    ADD COLUMN user_typing_at timestamptz,
    ADD COLUMN agent_typing_at timestamptz,
    ADD COLUMN rating_score   integer     CHECK (rating_score BETWEEN 1 AND 5),
    ADD COLUMN rating_comment text        NOT NULL DEFAULT '',
    ADD CHECK ((answered_at IS NULL) = (waited IS NULL));

UPDATE contoso.conversation SET queued_at = started_at;

CREATE INDEX conversation_waiting ON contoso.conversation (queue, priority DESC, queued_at, id) WHERE state = 'waiting';
CREATE INDEX conversation_answered ON contoso.conversation (queue, answered_at DESC) WHERE answered_at IS NOT NULL;

ALTER TABLE contoso.line
    ADD COLUMN about        text    REFERENCES contoso.line (id), -- the message that was edited or deleted
    ADD COLUMN recipient    text    NOT NULL DEFAULT '', -- the agent or queue it was transferred to
    ADD COLUMN note         text    NOT NULL DEFAULT '', -- among agents: never leaves the desk
    ADD COLUMN summary      text    NOT NULL DEFAULT '', -- what an agent makes of what has ended
    ADD COLUMN place        integer NOT NULL DEFAULT 0,  -- in the queue, from 1
    ADD COLUMN wait_seconds integer NOT NULL DEFAULT 0,  -- how long that may take; 0: unknown
    ADD COLUMN edited       boolean NOT NULL DEFAULT false, -- body is not what was said first
    ADD COLUMN deleted      boolean NOT NULL DEFAULT false, -- body is gone
    DROP CONSTRAINT line_event_check,
    DROP CONSTRAINT line_check,
    DROP CONSTRAINT line_conversation_id_author_key_key,
    ADD CHECK (event IN ('message', 'edited', 'deleted', 'queued', 'joined', 'left', 'transferred', 'ended')),
    ADD CHECK ((event IN ('message', 'edited', 'deleted')) = (author <> 'system')),
    ADD CHECK ((event IN ('edited', 'deleted')) = (about IS NOT NULL)),
    ADD CHECK (NOT deleted OR body = ''),
    -- A message is edited by the key it was sent with: the two keys are not one.
    ADD UNIQUE (conversation_id, author, event, key);

-- A file. It belongs to no line while it is being received; what nobody finished
-- is swept.
CREATE TABLE contoso.file (
    id           text        PRIMARY KEY DEFAULT gen_random_uuid()::text,
    line_id      text        REFERENCES contoso.line (id),
    name         text        NOT NULL CHECK (name <> ''),
    content_type text        NOT NULL CHECK (content_type <> ''),
    size         bigint      NOT NULL DEFAULT 0,
    sha256       bytea       CHECK (length(sha256) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (line_id IS NULL OR (size > 0 AND sha256 IS NOT NULL))
);

CREATE INDEX file_line ON contoso.file (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX file_unfinished ON contoso.file (created_at) WHERE line_id IS NULL;

-- Its content, in pieces that are read and written one at a time.
CREATE TABLE contoso.file_piece (
    file_id text    NOT NULL REFERENCES contoso.file (id) ON DELETE CASCADE,
    number  integer NOT NULL CHECK (number >= 0),
    data    bytea   NOT NULL,
    PRIMARY KEY (file_id, number)
);

-- Most files are compressed already.
ALTER TABLE contoso.file_piece ALTER COLUMN data SET STORAGE EXTERNAL;

-- What links to files are signed with, by every process on this database.
CREATE TABLE contoso.link_key (
    single boolean PRIMARY KEY DEFAULT true CHECK (single), -- one row
    key    bytea   NOT NULL CHECK (length(key) = 32)
);

INSERT INTO contoso.link_key (key)
VALUES (sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea));

-- Agents at the desk.
CREATE TABLE contoso.presence (
    agent   text        PRIMARY KEY CHECK (agent <> ''), -- the issuer's subject, or a name where nobody signs in
    name    text        NOT NULL CHECK (name <> ''),
    away    boolean     NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Who waits, at which place, and for how long: as long as the last ones did.
CREATE VIEW contoso.waiting AS
SELECT w.id, w.queue, w.told_place, w.told_at, w.place,
       coalesce(extract(epoch FROM recent.wait), 0)::integer AS wait_seconds
FROM (
    SELECT id, queue, told_place, told_at,
           row_number() OVER (PARTITION BY queue ORDER BY priority DESC, queued_at, id)::integer AS place
    FROM contoso.conversation
    WHERE state = 'waiting') w
LEFT JOIN LATERAL (
    SELECT avg(waited) AS wait
    FROM (
        SELECT waited
        FROM contoso.conversation
        WHERE queue = w.queue AND answered_at > now() - interval '1 day'
        ORDER BY answered_at DESC
        LIMIT 20) last) recent ON true;

DROP VIEW contoso.line_shown;
CREATE VIEW contoso.line_shown AS
SELECT l.id, l.conversation_id, l.position, l.event, l.author, l.sender, l.body, l.reason,
       coalesce(l.about, '') AS about,
       l.recipient, l.note, l.summary, l.place, l.wait_seconds, l.edited, l.deleted,
       coalesce((
           SELECT jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'contentType', f.content_type, 'size', f.size))
           FROM contoso.file f
           WHERE f.line_id = l.id), '[]') AS files,
       coalesce(l.key, '') AS key,
       coalesce(w.state, '') AS state,
       coalesce(w.failure, '') AS failure,
       l.created_at
FROM contoso.line l
LEFT JOIN contoso.webhook w ON w.line_id = l.id;

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
