-- +goose Up
-- What became of an agent's message behind the webhook, as its receiver reports it.
ALTER TABLE contoso.line
    ADD COLUMN report         text NOT NULL DEFAULT '' CHECK (report IN ('', 'failed', 'unknown')),
    ADD COLUMN report_reason  text NOT NULL DEFAULT '',
    ADD COLUMN report_settled text NOT NULL DEFAULT '' CHECK (report_settled IN ('', 'left', 'again')), -- what an agent made of it
    ADD CHECK (report <> '' OR (report_reason = '' AND report_settled = '')),
    ADD CHECK (report = '' OR (author = 'agent' AND event = 'message'));

ALTER TABLE contoso.conversation
    ADD COLUMN unreachable boolean NOT NULL DEFAULT false; -- nothing gets to the user

-- Which agents were typing when. Several may at once, and shall know.
CREATE TABLE contoso.typing (
    conversation_id text        NOT NULL REFERENCES contoso.conversation (id),
    agent           text        NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (conversation_id, agent)
);

CREATE INDEX typing_at ON contoso.typing (at);

CREATE OR REPLACE VIEW contoso.line_shown AS
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
       l.report, l.report_reason, l.report_settled
FROM contoso.line l
LEFT JOIN contoso.webhook w ON w.line_id = l.id;

-- A conversation as agents see it: what is shown of it, and what concerns them alone.
CREATE VIEW contoso.conversation_at_desk AS
SELECT s.*, c.unreachable,
       coalesce((
           SELECT array_agg(t.agent ORDER BY t.agent)
           FROM contoso.typing t
           WHERE t.conversation_id = c.id AND t.at > now() - interval '6 seconds'), '{}') AS agents_typing
FROM contoso.conversation_shown s
JOIN contoso.conversation c ON c.id = s.id;
