-- +goose Up

-- What a delivery comes from, for whoever attempts it.
ALTER TABLE delivery ADD COLUMN trace text; -- W3C traceparent of its enqueueing; NULL while nothing is traced
