-- +goose Up

-- What was pruned still counts: the newest numbers of lanes, and the letters,
-- that have no row any more.
CREATE TABLE tally (
	destination text PRIMARY KEY,
	accepted    bigint NOT NULL,
	dead        bigint NOT NULL
);

-- What is pruned, and what is counted at every scrape.
CREATE INDEX mapping_over ON mapping (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX mapping_going ON mapping (state) WHERE closed_at IS NULL;
