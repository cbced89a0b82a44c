-- Messages that were put back are in the way of none that was never tried, and dead letters in the way of no alert: the relay takes each kind by an index of
-- its own, in turns. A row is in one of these indexes.
CREATE INDEX outbox_alerts ON outbox (outbox_id) WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NOT NULL;
CREATE INDEX outbox_letters ON outbox (outbox_id) WHERE parked_at IS NULL AND retry_at IS NULL AND alert_id IS NULL;
CREATE INDEX outbox_alerts_again ON outbox (retry_at) WHERE parked_at IS NULL AND retry_at IS NOT NULL AND alert_id IS NOT NULL;
CREATE INDEX outbox_letters_again ON outbox (retry_at) WHERE parked_at IS NULL AND retry_at IS NOT NULL AND alert_id IS NULL;
DROP INDEX outbox_waiting;
