-- Who did what. Nothing is changed, and nothing is deleted before a year has passed, whoever asks.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    who varchar(255) NOT NULL,               -- make, experiment, somebody who has signed in, the name of an API key, …
    role varchar(20),                        -- of who came through the page; null of the rest
    address varchar(64),                     -- from which; null of this machine's own programs
    act varchar(1000) NOT NULL,
    done boolean NOT NULL,
    result varchar(2000) NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at);

CREATE FUNCTION keep_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < statement_timestamp() - interval '1 year' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION keep_audit_log();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_log();
