-- The document's first file: all 41 indexes of the system behind it, as they are. (The document counts 42: sessions 15, reports 8,
-- blocks 6, users 4, telemetry 6, nonces 3.) Its runner puts BEGIN around the files, where CREATE INDEX CONCURRENTLY is refused;
-- here each statement commits by itself. Which of them earn their place, and what replaces the others: migration 006.

-- Ten of these have one column or begin with one that another begins with; every call that ends writes to most of them.
CREATE INDEX CONCURRENTLY idx_sessions_started_at ON sessions (started_at);
CREATE INDEX CONCURRENTLY idx_sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX CONCURRENTLY idx_sessions_a_addr ON sessions (a_addr);
CREATE INDEX CONCURRENTLY idx_sessions_b_addr ON sessions (b_addr);
CREATE INDEX CONCURRENTLY idx_sessions_chain_id ON sessions (chain_id);
CREATE INDEX CONCURRENTLY idx_sessions_created_date ON sessions (created_date);
CREATE INDEX CONCURRENTLY idx_sessions_reported ON sessions (reported) WHERE reported;
CREATE INDEX CONCURRENTLY idx_sessions_active ON sessions (started_at) WHERE ended_at IS NULL;
CREATE INDEX CONCURRENTLY idx_sessions_addr_date ON sessions (a_addr, created_date);
CREATE INDEX CONCURRENTLY idx_sessions_addr_date_b ON sessions (b_addr, created_date);
CREATE INDEX CONCURRENTLY idx_sessions_chain_date ON sessions (chain_id, created_date);

CREATE INDEX CONCURRENTLY idx_reports_reporter_addr ON reports (reporter_addr);
CREATE INDEX CONCURRENTLY idx_reports_target_addr ON reports (target_addr);
CREATE INDEX CONCURRENTLY idx_reports_session_id ON reports (session_id);
CREATE INDEX CONCURRENTLY idx_reports_created_at ON reports (created_at);
CREATE INDEX CONCURRENTLY idx_reports_status ON reports (status);
CREATE INDEX CONCURRENTLY idx_reports_reason_enum ON reports (reason_enum);
CREATE INDEX CONCURRENTLY idx_reports_target_status ON reports (target_addr, status);
CREATE INDEX CONCURRENTLY idx_reports_target_created ON reports (target_addr, created_at);

CREATE INDEX CONCURRENTLY idx_blocks_blocker_active ON blocks (blocker_addr) WHERE active = true;
CREATE INDEX CONCURRENTLY idx_blocks_blocked_active ON blocks (blocked_addr) WHERE active = true;
CREATE INDEX CONCURRENTLY idx_blocks_created_at ON blocks (created_at);
CREATE INDEX CONCURRENTLY idx_blocks_expires_at ON blocks (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX CONCURRENTLY idx_nonces_expires_at ON nonces (expires_at);
-- Its first column is constant: the predicate says it.
CREATE INDEX CONCURRENTLY idx_nonces_consumed ON nonces (consumed, expires_at) WHERE consumed = false;

-- last_active has no writer.
CREATE INDEX CONCURRENTLY idx_users_created_at ON users (created_at);
CREATE INDEX CONCURRENTLY idx_users_last_active ON users (last_active);
CREATE INDEX CONCURRENTLY idx_users_risk_score ON users (risk_score) WHERE risk_score > 0;

-- jsonb_ops, the default, indexes every key and value of every event. It serves @> and no comparison of payload ->> 'key'.
CREATE INDEX CONCURRENTLY idx_telemetry_address ON telemetry_events (address);
CREATE INDEX CONCURRENTLY idx_telemetry_type ON telemetry_events (type);
CREATE INDEX CONCURRENTLY idx_telemetry_ts ON telemetry_events (ts);
CREATE INDEX CONCURRENTLY idx_telemetry_payload_gin ON telemetry_events USING gin (payload);

-- The primary key begins with address already.
CREATE INDEX CONCURRENTLY idx_balances_tokens_gin ON balances USING gin (erc20_tokens);
CREATE INDEX CONCURRENTLY idx_balances_address ON balances (address);
CREATE INDEX CONCURRENTLY idx_balances_chain_id ON balances (chain_id);
CREATE INDEX CONCURRENTLY idx_balances_last_updated ON balances (last_updated);
CREATE INDEX CONCURRENTLY idx_balances_total_value ON balances (total_usd_value);

CREATE INDEX CONCURRENTLY idx_query_stats_hash ON query_stats (query_hash);
CREATE INDEX CONCURRENTLY idx_query_stats_avg_duration ON query_stats (avg_duration_ms);
CREATE INDEX CONCURRENTLY idx_query_stats_execution_count ON query_stats (execution_count);
CREATE INDEX CONCURRENTLY idx_query_stats_last_executed ON query_stats (last_executed);
