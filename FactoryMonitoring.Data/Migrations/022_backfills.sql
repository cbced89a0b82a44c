-- Files that are backfilled, so that one whose backfill ended midway goes on where it was, and one that is stored is not stored again.
CREATE TABLE backfills (
    fingerprint text PRIMARY KEY,            -- of the file's bytes, and of its sensors and times as the settings read them
    file text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,  -- its readings have been stored since then
    done_at timestamptz,                     -- when all of them were
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
