-- The document's second file, "schema optimisation columns". Its runner applies the indexes first, and 19 of the 41 fail because
-- their columns or tables are not there yet. So the columns come first here.

-- Neither last_active nor session_count has a writer in the document: they stay null and 0. Migration 008 drops them.
ALTER TABLE users
    ADD COLUMN last_active   timestamp,
    ADD COLUMN session_count integer DEFAULT 0,
    ADD COLUMN updated_at    timestamp DEFAULT now(),
    ADD CONSTRAINT users_risk_score_range CHECK (risk_score BETWEEN 0 AND 100);

-- Stored generated columns rewrite the table under an exclusive lock. They work because started_at has no zone: the date of a
-- timestamptz depends on the session's time zone, is not immutable, and PostgreSQL refuses it, as it refuses the document's
-- own optimised tables. Neither can be a partition key.
ALTER TABLE sessions
    ADD COLUMN duration_seconds integer GENERATED ALWAYS AS (extract(epoch FROM ended_at - started_at)::integer) STORED,
    ADD COLUMN created_date     date GENERATED ALWAYS AS (started_at::date) STORED,
    ADD CONSTRAINT sessions_chain_id_positive CHECK (chain_id > 0);

-- The document's DEFAULT 'pending' makes every report of the past pending again. Here only the last three weeks are; the
-- default of the first statement is kept for old rows without a rewrite.
ALTER TABLE reports
    ADD COLUMN status      varchar(20) DEFAULT 'reviewed',
    ADD COLUMN resolved_at timestamp,
    ADD COLUMN resolved_by varchar(42);
ALTER TABLE reports
    ALTER COLUMN status SET DEFAULT 'pending',
    ADD CONSTRAINT reports_status_known CHECK (status IN ('pending', 'reviewed', 'resolved', 'dismissed'));
UPDATE reports SET status = 'pending'
 WHERE created_at >= (SELECT max(created_at) FROM reports) - INTERVAL '21 days';

ALTER TABLE blocks
    ADD COLUMN reason     varchar(255),
    ADD COLUMN expires_at timestamp,
    ADD COLUMN active     boolean DEFAULT true;

ALTER TABLE nonces ADD COLUMN consumed_at timestamp;
