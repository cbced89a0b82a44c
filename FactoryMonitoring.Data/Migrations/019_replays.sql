-- Where in its file each replay is, written once a second by its producer, for the page of its sensors.
CREATE TABLE replays (
    producer_id varchar(255) PRIMARY KEY,
    sensor_ids text[] NOT NULL,              -- the file's columns
    file text NOT NULL,
    row_number bigint NOT NULL,              -- the row that was sent last, from 1 on; 0 before the first
    played bigint NOT NULL,                  -- rows sent since the file was begun
    row_count bigint NOT NULL,
    source_timestamp text,                   -- the row's time as it stands in the file
    is_over boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
