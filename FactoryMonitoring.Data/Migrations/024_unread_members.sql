-- The numbers that the messages of a sensor hold beside what is read, for the sensor's page: written when they are other
-- ones than before, and once an hour.
CREATE TABLE unread_members (
    sensor_id varchar(255) PRIMARY KEY,
    names text NOT NULL,                     -- JSON pointers, with commas between
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
