-- +goose Up
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
