-- +goose Up
-- Some databases have these two by an earlier form of 007.
ALTER TABLE contoso.conversation
    ADD COLUMN IF NOT EXISTS people_at timestamptz, -- when people first got control from a copilot
    ADD COLUMN IF NOT EXISTS returned_at timestamptz; -- when they gave it back; NULL while they have it

-- Whose a file is of our own page's visitors: what they may store has a bound. The
-- size of one that is being received is what it may come to.
ALTER TABLE contoso.file
    ADD COLUMN visitor_id text REFERENCES contoso.visitor (id); -- NULL: a caller's, or an agent's

UPDATE contoso.file f
SET visitor_id = c.visitor_id
FROM contoso.line l
JOIN contoso.conversation c ON c.id = l.conversation_id
WHERE l.id = f.line_id
AND l.author = 'user'
AND c.visitor_id IS NOT NULL;

CREATE INDEX file_visitor ON contoso.file (visitor_id) WHERE visitor_id IS NOT NULL;

-- What is over is deleted after a while: with each row go those that refer to it.
CREATE INDEX event_line ON contoso.event (line_id) WHERE line_id IS NOT NULL;
CREATE INDEX line_about ON contoso.line (about) WHERE about IS NOT NULL;
CREATE INDEX webhook_conversation ON contoso.webhook (conversation_id);
CREATE INDEX visitor_seen ON contoso.visitor (seen_at);
CREATE INDEX start_key_used ON contoso.start_key (used_at);
