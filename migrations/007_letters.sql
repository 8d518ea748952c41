-- +goose Up

-- A letter that is tried again in its own place has its patience anew.
ALTER TABLE delivery ADD COLUMN redriven_at timestamptz;

-- The release before 003 serves beside its successors while they are rolled out,
-- and knows neither parked lanes nor doubts. The schema keeps to them for it; later
-- releases never meet this trigger's condition.
-- +goose StatementBegin
CREATE FUNCTION lane_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.parked_at IS NOT NULL THEN
		NEW.ready_at := NULL;
		NEW.owner := NULL;
		NEW.epoch := OLD.epoch;
		NEW.born := OLD.born;
	END IF;
	IF NEW.acked_seq > OLD.acked_seq THEN
		NEW.doubts := 0;
	END IF;
	RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER lane_keeps
	BEFORE UPDATE ON lane
	FOR EACH ROW
	WHEN (OLD.parked_at IS NOT NULL AND NEW.parked_at IS NOT NULL AND NEW.ready_at IS NOT NULL
		OR NEW.acked_seq > OLD.acked_seq AND NEW.doubts > 0)
	EXECUTE FUNCTION lane_keeps();

-- What expires is settled in time although its peer is away.
CREATE INDEX delivery_expiry ON delivery (expires_at) WHERE expires_at IS NOT NULL;
