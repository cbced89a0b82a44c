-- What has changed in the detector's memory of a partition since its row in detector_snapshots was written; that row's snapshot_offset is where the
-- memory stands with all of them.
CREATE TABLE detector_changes (
    log_key smallint NOT NULL,
    topic varchar(249) NOT NULL,
    kafka_partition integer NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    state bytea NOT NULL,
    PRIMARY KEY (log_key, topic, kafka_partition, id),
    FOREIGN KEY (log_key, topic, kafka_partition) REFERENCES detector_snapshots ON DELETE CASCADE
);
