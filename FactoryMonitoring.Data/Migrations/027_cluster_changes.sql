-- When a broker's replicas fell out of sync or came back, and when another broker became the controller; written by the monitor.
CREATE TABLE cluster_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind varchar(16) NOT NULL CHECK (kind IN ('replicas', 'controller')),
    component_id varchar(255) NOT NULL,      -- of replicas: the broker that has them
    status varchar(255) NOT NULL,            -- of replicas: in sync, out of sync; of the controller: the broker that became it
    detail text,                             -- of replicas: the partitions that are out of sync
    at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX cluster_changes_component ON cluster_changes (kind, component_id, id DESC); -- the newest of each
CREATE INDEX cluster_changes_at ON cluster_changes (at); -- changes in a window of time, retention
