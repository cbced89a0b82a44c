-- How long readings, samples and events are kept: one row, for all who prune. What is past it is decided by this database's clock alone.
CREATE TABLE retention (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    keep interval NOT NULL DEFAULT '7 days' CHECK (keep >= interval '1 day'),
    set_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO retention DEFAULT VALUES;
