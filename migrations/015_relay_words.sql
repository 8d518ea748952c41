-- +goose Up

-- Who has only opened a chat has said nothing that could be late.
ALTER TABLE relay ADD COLUMN asked_at timestamptz; -- when the user first said something to the copilot
UPDATE relay SET asked_at = opened_at WHERE state <> 'ended';

-- A word changes no column of an index, so that a relay's versions share a page. What
-- is old was opened long ago.
DROP INDEX relay_spoke;
CREATE INDEX relay_opened ON relay (opened_at);

-- Those that go on are counted all the time.
CREATE INDEX relay_going ON relay (state) WHERE state <> 'ended';
