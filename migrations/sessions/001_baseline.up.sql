-- The schema of a video chat between wallets, as its code creates it: primary keys and nothing else, no foreign keys, times
-- without a zone (they are UTC). What the source document calls missing is missing here on purpose: this is "before".

CREATE TABLE users (
    wallet_address varchar(42) PRIMARY KEY,
    created_at     timestamp DEFAULT now(),
    ens_name       varchar(255),
    risk_score     integer DEFAULT 0
);

CREATE TABLE sessions (
    id         varchar(255) PRIMARY KEY,
    a_addr     varchar(42),
    b_addr     varchar(42),
    started_at timestamp DEFAULT now(),
    ended_at   timestamp,
    reason_end varchar(50),
    chain_id   integer,
    tip_count  integer DEFAULT 0,
    reported   boolean DEFAULT false
);

CREATE TABLE reports (
    id            serial PRIMARY KEY,
    reporter_addr varchar(42),
    target_addr   varchar(42),
    session_id    varchar(255),
    reason_enum   varchar(50),
    notes         text,
    created_at    timestamp DEFAULT now()
);

CREATE TABLE blocks (
    blocker_addr varchar(42),
    blocked_addr varchar(42),
    created_at   timestamp DEFAULT now(),
    PRIMARY KEY (blocker_addr, blocked_addr)
);

CREATE TABLE nonces (
    address    varchar(42),
    nonce      varchar(255),
    expires_at timestamp,
    consumed   boolean DEFAULT false,
    PRIMARY KEY (address, nonce)
);

CREATE TABLE telemetry_events (
    id      serial PRIMARY KEY,
    address varchar(42),
    type    varchar(100),
    payload jsonb,
    ts      timestamp DEFAULT now()
);

-- The code has the next two tables in its optimised schema only. They are here so that the reads of balances, and the
-- indexes that come for both tables, have rows before and after.
CREATE TABLE balances (
    address          varchar(42),
    chain_id         integer,
    native_balance   numeric(78, 18),
    native_usd_value numeric(18, 8),
    total_usd_value  numeric(18, 8),
    erc20_tokens     jsonb,
    last_updated     timestamptz DEFAULT now(),
    PRIMARY KEY (address, chain_id)
);

CREATE TABLE query_stats (
    id              serial PRIMARY KEY,
    query_hash      varchar(64),
    query_text      text,
    execution_count bigint DEFAULT 0,
    avg_duration_ms numeric(12, 3),
    max_duration_ms numeric(12, 3),
    error_count     bigint DEFAULT 0,
    last_executed   timestamp
);
