-- A double-entry ledger as the source document reviews it. The published schema does not load; this has the least that it
-- takes: indexes stand outside of CREATE TABLE, updated_at is touched only where the column exists, the balance of an entry is
-- checked at commit instead of after each line, a balance may be negative (debits are positive), obligations follow the
-- status, and PENDING is a status of authorizations. The check date <= CURRENT_DATE is left to writers: a check that depends
-- on the clock refuses a dump on another clock.
CREATE TABLE accounts (
    id         integer PRIMARY KEY,
    name       varchar(255) NOT NULL,
    type       varchar(50) NOT NULL CHECK (type IN ('Asset', 'Liability', 'Equity', 'Income', 'Expense')),
    entity     varchar(255) NOT NULL,
    is_active  boolean DEFAULT true,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE journal_entries (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    journal_id          varchar(100) NOT NULL UNIQUE,
    date                date NOT NULL,
    description         text NOT NULL CHECK (btrim(description) <> ''),
    source              varchar(50) NOT NULL CHECK (source IN ('CHAIN', 'NACHA', 'PO', 'AR', 'AP', 'PURCHASE', 'PAYROLL',
                            'INTERCOMPANY', 'PAYMENT', 'ANCHOR', 'ATTESTATION')),
    status              varchar(20) NOT NULL DEFAULT 'Posted' CHECK (status IN ('Posted', 'Pending')),
    tx_hash             varchar(66),
    block_number        bigint,
    chain_confirmations integer DEFAULT 0,
    event_id            varchar(100),
    attestation_hash    varchar(66),
    created_at          timestamptz DEFAULT now(),
    created_by          varchar(100)
);
CREATE INDEX idx_journal_entries_date ON journal_entries (date);
CREATE INDEX idx_journal_entries_source ON journal_entries (source);
CREATE INDEX idx_journal_entries_event_id ON journal_entries (event_id);
CREATE INDEX idx_journal_entries_status ON journal_entries (status);
CREATE INDEX idx_journal_entries_created_at ON journal_entries (created_at);

CREATE TABLE journal_entry_lines (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    journal_entry_id uuid NOT NULL REFERENCES journal_entries (id) ON DELETE CASCADE,
    account_id       integer NOT NULL REFERENCES accounts (id),
    line_type        varchar(10) NOT NULL CHECK (line_type IN ('DEBIT', 'CREDIT')),
    amount           numeric(19,4) NOT NULL CHECK (amount > 0),
    description      text,
    line_number      integer NOT NULL CHECK (line_number > 0),
    created_at       timestamptz DEFAULT now()
);
CREATE INDEX idx_journal_entry_lines_journal_id ON journal_entry_lines (journal_entry_id);
CREATE INDEX idx_journal_entry_lines_account_id ON journal_entry_lines (account_id);
CREATE INDEX idx_journal_entry_lines_line_type ON journal_entry_lines (line_type);

CREATE TABLE account_balances (
    account_id      integer PRIMARY KEY REFERENCES accounts (id),
    current_balance numeric(19,4) NOT NULL DEFAULT 0,
    last_updated    timestamptz DEFAULT now()
);

CREATE TABLE anchor_authorizations (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event_id               varchar(100) NOT NULL UNIQUE,
    user_address           varchar(42) NOT NULL,
    anchor_type            varchar(20) NOT NULL
                               CHECK (anchor_type IN ('GROCERY', 'FUEL', 'UTILITY', 'MOBILE', 'HOUSING', 'MEDICAL')),
    units                  bigint NOT NULL CHECK (units > 0),
    amount_cents           integer NOT NULL CHECK (amount_cents > 0),
    status                 varchar(20) NOT NULL DEFAULT 'AUTHORIZED'
                               CHECK (status IN ('PENDING', 'AUTHORIZED', 'FULFILLED', 'EXPIRED', 'FAILED')),
    authorized_at          timestamptz DEFAULT now(),
    expires_at             timestamptz NOT NULL,
    fulfilled_at           timestamptz,
    expired_at             timestamptz,
    attestation_signature  varchar(132),
    attestation_hash       varchar(66),
    fulfillment_proof_hash varchar(66),
    provider_order_id      varchar(255),
    created_at             timestamptz DEFAULT now(),
    updated_at             timestamptz DEFAULT now()
);
CREATE INDEX idx_anchor_auth_user ON anchor_authorizations (user_address);
CREATE INDEX idx_anchor_auth_type ON anchor_authorizations (anchor_type);
CREATE INDEX idx_anchor_auth_status ON anchor_authorizations (status);
CREATE INDEX idx_anchor_auth_expires ON anchor_authorizations (expires_at);
CREATE INDEX idx_anchor_auth_created ON anchor_authorizations (created_at);

CREATE TABLE anchor_fulfillments (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    authorization_id  uuid NOT NULL REFERENCES anchor_authorizations (id),
    event_id          varchar(100) NOT NULL UNIQUE,
    proof_hash        varchar(66) NOT NULL UNIQUE,
    fulfillment_type  varchar(20) NOT NULL CHECK (fulfillment_type IN ('GIFT_CARD', 'DIRECT_CREDIT', 'PAYMENT')),
    provider_order_id varchar(255),
    fulfilled_at      timestamptz DEFAULT now()
);

CREATE TABLE anchor_obligations (
    id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    anchor_type           varchar(20) NOT NULL UNIQUE,
    obligation_account_id integer NOT NULL REFERENCES accounts (id),
    total_authorized      bigint NOT NULL DEFAULT 0,
    total_fulfilled       bigint NOT NULL DEFAULT 0,
    total_expired         bigint NOT NULL DEFAULT 0,
    last_updated          timestamptz DEFAULT now(),
    CHECK (total_fulfilled + total_expired <= total_authorized)
);

CREATE TABLE event_correlations (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event_id       varchar(100) NOT NULL UNIQUE,
    event_type     varchar(50) NOT NULL,
    source_system  varchar(50) NOT NULL,
    correlation_id varchar(100),
    metadata       jsonb,
    created_at     timestamptz DEFAULT now()
);
CREATE INDEX idx_event_correlations_event_id ON event_correlations (event_id);
CREATE INDEX idx_event_correlations_source ON event_correlations (source_system, created_at);

CREATE TABLE audit_log (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event_type  varchar(50) NOT NULL,
    entity_type varchar(50) NOT NULL,
    entity_id   varchar(100) NOT NULL,
    action      varchar(50) NOT NULL,
    old_values  jsonb,
    new_values  jsonb,
    user_id     varchar(100),
    ip_address  inet,
    user_agent  text,
    created_at  timestamptz DEFAULT now()
);
CREATE INDEX idx_audit_log_entity ON audit_log (entity_type, entity_id);
CREATE INDEX idx_audit_log_event_type ON audit_log (event_type);
CREATE INDEX idx_audit_log_created_at ON audit_log (created_at);

CREATE TABLE health_checks (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service_name     varchar(50) NOT NULL,
    status           varchar(20) NOT NULL CHECK (status IN ('HEALTHY', 'DEGRADED', 'UNHEALTHY')),
    response_time_ms integer,
    error_message    text,
    checked_at       timestamptz DEFAULT now()
);
CREATE INDEX idx_health_checks_service ON health_checks (service_name, checked_at);

-- One upsert for each line, in the order of the lines: the row of a busy account stays locked until the commit, and two
-- writers who name two accounts in different order deadlock.
CREATE FUNCTION add_line_to_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balances AS b (account_id, current_balance, last_updated)
    VALUES (NEW.account_id, CASE NEW.line_type WHEN 'DEBIT' THEN NEW.amount ELSE -NEW.amount END, NEW.created_at)
    ON CONFLICT (account_id) DO UPDATE
       SET current_balance = b.current_balance + excluded.current_balance, last_updated = excluded.last_updated;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_entry_lines_balance AFTER INSERT ON journal_entry_lines
    FOR EACH ROW EXECUTE FUNCTION add_line_to_balance();

CREATE FUNCTION check_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    difference numeric;
BEGIN
    SELECT sum(CASE line_type WHEN 'DEBIT' THEN amount ELSE -amount END) INTO difference
      FROM journal_entry_lines WHERE journal_entry_id = NEW.journal_entry_id;
    IF difference <> 0 THEN
        RAISE EXCEPTION 'entry % is out of balance by %', NEW.journal_entry_id, difference;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_entry_lines_balanced AFTER INSERT OR UPDATE ON journal_entry_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_balances();

CREATE FUNCTION add_to_obligations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE anchor_obligations SET total_authorized = total_authorized + NEW.units, last_updated = NEW.authorized_at
         WHERE anchor_type = NEW.anchor_type;
    ELSE
        UPDATE anchor_obligations
           SET total_fulfilled = total_fulfilled + CASE NEW.status WHEN 'FULFILLED' THEN NEW.units ELSE 0 END,
               total_expired = total_expired + CASE NEW.status WHEN 'EXPIRED' THEN NEW.units ELSE 0 END,
               last_updated = NEW.updated_at
         WHERE anchor_type = NEW.anchor_type;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER anchor_authorizations_authorized AFTER INSERT ON anchor_authorizations
    FOR EACH ROW EXECUTE FUNCTION add_to_obligations();
CREATE TRIGGER anchor_authorizations_settled AFTER UPDATE OF status ON anchor_authorizations
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION add_to_obligations();

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER anchor_authorizations_touched BEFORE UPDATE ON anchor_authorizations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE VIEW v_account_balances AS
SELECT a.id, a.name, a.type, a.entity, coalesce(b.current_balance, 0) AS current_balance, b.last_updated
  FROM accounts a LEFT JOIN account_balances b ON b.account_id = a.id WHERE a.is_active;

CREATE VIEW v_anchor_obligations AS
SELECT anchor_type, obligation_account_id, total_authorized, total_fulfilled, total_expired,
       total_authorized - total_fulfilled - total_expired AS outstanding
  FROM anchor_obligations;

CREATE VIEW v_journal_details AS
SELECT e.id, e.journal_id, e.date, e.description, e.source, e.status, l.line_number, l.line_type, l.amount,
       a.id AS account_id, a.name AS account_name
  FROM journal_entries e JOIN journal_entry_lines l ON l.journal_entry_id = e.id JOIN accounts a ON a.id = l.account_id
 ORDER BY e.date DESC;
