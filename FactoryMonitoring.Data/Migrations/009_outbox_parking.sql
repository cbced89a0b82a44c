-- A message that cannot be sent now is put back, one that can never be sent is parked; neither is in the way of another.
-- To send what is parked again: make send-parked.
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN retry_at timestamptz, ADD COLUMN parked_at timestamptz, ADD COLUMN parked_reason text;
CREATE INDEX outbox_waiting ON outbox (outbox_id) WHERE parked_at IS NULL;   -- the relay
CREATE INDEX outbox_parked ON outbox (parked_at) WHERE parked_at IS NOT NULL; -- how many are parked, retention
-- What a dead letter keeps of a value is bounded; larger ones of before are cut, too.
UPDATE outbox SET value = substring(value FROM 1 FOR 65536),
    header_names = header_names || ARRAY['dlq.value.size', 'dlq.value.sha256'],
    header_values = header_values || ARRAY[convert_to(octet_length(value)::text, 'UTF8'), convert_to(encode(sha256(value), 'hex'), 'UTF8')]
WHERE alert_id IS NULL AND octet_length(value) > 65536;
