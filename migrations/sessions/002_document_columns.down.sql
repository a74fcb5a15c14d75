ALTER TABLE nonces DROP COLUMN consumed_at;
ALTER TABLE blocks DROP COLUMN active, DROP COLUMN expires_at, DROP COLUMN reason;
ALTER TABLE reports DROP COLUMN resolved_by, DROP COLUMN resolved_at, DROP COLUMN status;
ALTER TABLE sessions
    DROP CONSTRAINT sessions_chain_id_positive,
    DROP COLUMN created_date,
    DROP COLUMN duration_seconds;
ALTER TABLE users
    DROP CONSTRAINT users_risk_score_range,
    DROP COLUMN updated_at,
    DROP COLUMN session_count,
    DROP COLUMN last_active;
