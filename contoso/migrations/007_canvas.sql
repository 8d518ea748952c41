-- +goose Up
-- People who chat on our own page. Who has the cookie's value is the visitor; only
-- its SHA-256 is kept.
CREATE TABLE contoso.visitor (
    id         text        PRIMARY KEY DEFAULT 'visitor-' || gen_random_uuid()::text,
    token_hash bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now() -- to the hour: not every request writes
);

-- Where a conversation takes place, and who has control of it. In the state
-- 'copilot' a copilot has; in 'waiting' and 'active' people have. One column says
-- both, so there is one controller at a time.
ALTER TABLE contoso.conversation
    ADD COLUMN origin         text   NOT NULL DEFAULT 'api' CHECK (origin IN ('api', 'canvas')),
    ADD COLUMN visitor_id     text   REFERENCES contoso.visitor (id),
    ADD COLUMN people_from    bigint NOT NULL DEFAULT 0, -- position of the last line before people had control
    ADD COLUMN copilot_typing_at timestamptz,
    DROP CONSTRAINT conversation_state_check,
    DROP CONSTRAINT conversation_ended_by_check,
    ADD CHECK (state IN ('copilot', 'waiting', 'active', 'ended')),
    ADD CHECK (ended_by IN ('user', 'agent', 'copilot')),
    ADD CHECK (state <> 'copilot' OR (origin = 'canvas' AND agent = '')),
    ADD CHECK ((origin = 'canvas') = (visitor_id IS NOT NULL));

CREATE INDEX conversation_visitor ON contoso.conversation (visitor_id, started_at DESC);
CREATE INDEX conversation_copilot ON contoso.conversation (started_at DESC) WHERE state = 'copilot';
CREATE UNIQUE INDEX conversation_visitor_open ON contoso.conversation (visitor_id) WHERE state <> 'ended';

ALTER TABLE contoso.line
    ADD COLUMN format  text  NOT NULL DEFAULT '' CHECK (format IN ('', 'markdown')),
    ADD COLUMN choices jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(choices) = 'array'), -- quick replies: title, value
    ADD COLUMN value   text  NOT NULL DEFAULT '', -- of the choice that the user pressed
    DROP CONSTRAINT line_author_check,
    DROP CONSTRAINT line_event_check,
    ADD CHECK (author IN ('user', 'agent', 'copilot', 'system')),
    ADD CHECK (event IN ('message', 'edited', 'deleted', 'queued', 'joined', 'left', 'transferred', 'ended',
                         'opened', 'passed', 'returned'));

-- The page follows its own conversation only.
CREATE INDEX event_conversation ON contoso.event (conversation_id, seq);

DROP VIEW contoso.conversation_at_desk;
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
       l.created_at,
       l.report, l.report_reason, l.report_settled,
       l.format, l.choices, l.value
FROM contoso.line l
LEFT JOIN contoso.webhook w ON w.line_id = l.id;

DROP VIEW contoso.conversation_shown;
CREATE VIEW contoso.conversation_shown AS
SELECT c.id, c.state, c.person, c.problem, c.channel, c.reference, c.variables,
       c.summary, c.skills, c.priority, c.queue, c.agent,
       coalesce(c.rating_score, 0) AS rating_score, c.rating_comment,
       c.started_at, c.ended_at, coalesce(c.ended_by, '') AS ended_by,
       coalesce(c.user_typing_at > now() - interval '6 seconds', false) AS user_typing,
       -- What was said to the copilot waits for nobody's eyes.
       CASE WHEN c.state = 'copilot' THEN 0 ELSE (
           SELECT count(*)
           FROM contoso.line l
           WHERE l.conversation_id = c.id AND l.author = 'user' AND l.event = 'message'
           AND l.position > greatest(c.read_through, c.people_from)) END AS unread,
       (SELECT count(*) FROM contoso.note n WHERE n.conversation_id = c.id) AS notes,
       -- Since when the user waits for an agent's words: NULL when it is the user's turn.
       CASE c.state
           WHEN 'waiting' THEN c.queued_at
           WHEN 'active' THEN (
               SELECT min(l.created_at)
               FROM contoso.line l
               WHERE l.conversation_id = c.id AND l.author = 'user' AND l.event = 'message'
               AND l.position > greatest(c.people_from, coalesce((
                   SELECT max(a.position)
                   FROM contoso.line a
                   WHERE a.conversation_id = c.id AND a.author = 'agent' AND a.event = 'message'), 0)))
       END AS waiting_since,
       coalesce(newest.author, '') AS last_author,
       coalesce(newest.sender, '') AS last_sender,
       coalesce(newest.body, '') AS last_body,
       coalesce(newest.created_at, c.started_at) AS last_at,
       c.origin
FROM contoso.conversation c
LEFT JOIN LATERAL (
    SELECT l.author, l.sender, l.created_at,
           coalesce(nullif(l.body, ''), (SELECT min(f.name) FROM contoso.file f WHERE f.line_id = l.id)) AS body
    FROM contoso.line l
    WHERE l.conversation_id = c.id AND l.event NOT IN ('edited', 'deleted', 'queued')
    ORDER BY l.position DESC
    LIMIT 1) newest ON true;

-- A conversation as agents see it: what is shown of it, and what concerns them alone.
CREATE VIEW contoso.conversation_at_desk AS
SELECT s.*, c.unreachable,
       coalesce((
           SELECT array_agg(t.agent ORDER BY t.agent)
           FROM contoso.typing t
           WHERE t.conversation_id = c.id AND t.at > now() - interval '6 seconds'), '{}') AS agents_typing
FROM contoso.conversation_shown s
JOIN contoso.conversation c ON c.id = s.id;
