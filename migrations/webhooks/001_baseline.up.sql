-- The schema of a webhook delivery service, with every index that its production database carries, used or not.
-- Keys and columns follow the source document; what its text calls wrong is kept here on purpose: this is "before".

CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    email               varchar(255) NOT NULL UNIQUE,
    password_hash       varchar(255) NOT NULL,
    full_name           varchar(255),
    name                varchar(255),
    email_verified      boolean DEFAULT false,
    is_admin            boolean DEFAULT false,
    subscription_tier   varchar(50) DEFAULT 'free',
    subscription_status varchar(50) DEFAULT 'active',
    stripe_customer_id  varchar(255),
    api_key_hash        varchar(255) UNIQUE,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    last_login_at       timestamptz
);
-- Both repeat what the UNIQUE constraints already have.
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_api_key_hash ON users (api_key_hash);
CREATE INDEX idx_users_is_admin ON users (is_admin) WHERE is_admin;

CREATE TABLE applications (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name           varchar(255) NOT NULL,
    description    text,
    webhook_secret varchar(64) NOT NULL,
    api_key        varchar(64),
    is_active      boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_applications_user_id ON applications (user_id);
CREATE UNIQUE INDEX idx_applications_api_key ON applications (api_key) WHERE api_key IS NOT NULL;

CREATE TABLE endpoints (
    id                          uuid PRIMARY KEY,
    application_id              uuid NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    name                        varchar(255) NOT NULL,
    description                 text,
    webhook_url                 text NOT NULL,
    hmac_secret                 varchar(64) NOT NULL,
    contract_addresses          text[],
    event_signatures            text[],
    chain_ids                   integer[],
    rate_limit_per_second       integer NOT NULL DEFAULT 10,
    max_retries                 integer NOT NULL DEFAULT 5,
    timeout_seconds             integer NOT NULL DEFAULT 30,
    is_active                   boolean NOT NULL DEFAULT true,
    health_status               varchar(20) NOT NULL DEFAULT 'healthy',
    last_successful_delivery_at timestamptz,
    consecutive_failures        integer NOT NULL DEFAULT 0,
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_endpoints_application_id ON endpoints (application_id);
CREATE INDEX idx_endpoints_contract_addresses ON endpoints (contract_addresses) WHERE is_active;
CREATE INDEX idx_endpoints_event_signatures ON endpoints USING gin (event_signatures) WHERE is_active;

CREATE TABLE events (
    id               uuid PRIMARY KEY,
    block_number     bigint NOT NULL,
    block_hash       varchar(66) NOT NULL,
    transaction_hash varchar(66) NOT NULL,
    log_index        integer NOT NULL,
    contract_address varchar(42) NOT NULL,
    topics           text[] NOT NULL,
    data             text NOT NULL,
    ingested_at      timestamptz NOT NULL DEFAULT now(),
    processed_at     timestamptz,
    CONSTRAINT events_transaction_log_key UNIQUE (transaction_hash, log_index)
);
CREATE INDEX idx_events_block_number ON events (block_number DESC);
CREATE INDEX idx_events_contract_address ON events (contract_address);
CREATE INDEX idx_events_transaction_hash ON events (transaction_hash);
CREATE INDEX idx_events_ingested_at ON events (ingested_at DESC);
CREATE INDEX idx_events_ingested_block ON events (ingested_at DESC, block_number DESC);

CREATE TABLE delivery_attempts (
    id               uuid PRIMARY KEY,
    event_id         uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    endpoint_id      uuid NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    attempt_number   integer NOT NULL DEFAULT 1,
    http_status_code integer,
    response_body    text,
    error_message    text,
    attempted_at     timestamptz NOT NULL DEFAULT now(),
    completed_at     timestamptz,
    duration_ms      integer,
    success          boolean,
    should_retry     boolean,
    next_retry_at    timestamptz
);
CREATE INDEX idx_delivery_attempts_event_id ON delivery_attempts (event_id);
CREATE INDEX idx_delivery_attempts_endpoint_id ON delivery_attempts (endpoint_id);
CREATE INDEX idx_delivery_attempts_next_retry_at ON delivery_attempts (next_retry_at) WHERE should_retry;
CREATE INDEX idx_delivery_attempts_attempted_at ON delivery_attempts (attempted_at DESC);
CREATE INDEX idx_delivery_attempts_success_duration ON delivery_attempts (success, duration_ms);

CREATE TABLE usage_records (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    period_start   date NOT NULL,
    events_count   bigint NOT NULL DEFAULT 0,
    delivery_count bigint NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_records_user_period_key UNIQUE (user_id, period_start)
);

CREATE TABLE audit_logs (
    id          uuid PRIMARY KEY,
    user_id     uuid REFERENCES users (id) ON DELETE SET NULL,
    action      varchar(100) NOT NULL,
    entity_type varchar(50) NOT NULL,
    entity_id   uuid,
    details     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_audit_logs_user_created ON audit_logs (user_id, created_at DESC);

CREATE TABLE subscription_limits (
    tier                  varchar(50) PRIMARY KEY,
    max_applications      integer NOT NULL,
    max_endpoints         integer NOT NULL,
    max_events_per_month  bigint NOT NULL,
    rate_limit_per_second integer NOT NULL
);
