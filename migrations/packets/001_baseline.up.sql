-- Packets between chains, as the first migration of the service left it: keys, and five indexes.
-- Operations have timestamptz where the service had timestamp without a zone, so that "now" means the same everywhere.
CREATE TABLE clearing_operations (
  id uuid PRIMARY KEY,
  wallet_address varchar(255) NOT NULL,
  clearing_token varchar(255) NOT NULL UNIQUE,
  packet_ids text[] NOT NULL,
  total_fee bigint NOT NULL,
  payment_tx_hash varchar(255),
  payment_verified boolean DEFAULT false,
  clearing_status varchar(50) DEFAULT 'pending',
  clearing_tx_hash varchar(255),
  error_message text,
  chain_id varchar(50),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE INDEX idx_clearing_operations_wallet ON clearing_operations (wallet_address);
CREATE INDEX idx_clearing_operations_status ON clearing_operations (clearing_status);
CREATE INDEX idx_clearing_operations_created ON clearing_operations (created_at);

CREATE TABLE payment_transactions (
  id uuid PRIMARY KEY,
  clearing_token varchar(255) NOT NULL REFERENCES clearing_operations (clearing_token),
  tx_hash varchar(255) NOT NULL UNIQUE,
  sender_address varchar(255) NOT NULL,
  amount bigint NOT NULL,
  memo text,
  verified boolean DEFAULT false,
  created_at timestamptz DEFAULT now()
);
CREATE INDEX idx_payment_transactions_sender ON payment_transactions (sender_address);

CREATE TABLE refunds (
  id uuid PRIMARY KEY,
  clearing_token varchar(255) NOT NULL REFERENCES clearing_operations (clearing_token),
  reason varchar(255) NOT NULL,
  amount bigint NOT NULL,
  tx_hash varchar(255),
  status varchar(50) DEFAULT 'pending',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_refunds_status ON refunds (status);

CREATE TABLE clearing_errors (
  id uuid PRIMARY KEY,
  clearing_token varchar(255) REFERENCES clearing_operations (clearing_token),
  error_type varchar(100) NOT NULL,
  error_message text NOT NULL,
  packet_id varchar(200),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE user_statistics (
  wallet_address varchar(255) PRIMARY KEY,
  total_clears integer NOT NULL DEFAULT 0,
  success_rate numeric(5,2),
  last_clearing_at timestamptz
);

CREATE TABLE network_stats (
  id serial PRIMARY KEY,
  chain_id varchar(50) NOT NULL,
  network_name varchar(100) NOT NULL,
  date date NOT NULL,
  total_packets bigint NOT NULL DEFAULT 0,
  successful_packets bigint NOT NULL DEFAULT 0,
  failed_packets bigint NOT NULL DEFAULT 0,
  stuck_packets bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (chain_id, date)
);

CREATE TABLE packet_flow (
  id bigserial PRIMARY KEY,
  packet_id varchar(200) NOT NULL,
  src_chain_id varchar(50) NOT NULL,
  dst_chain_id varchar(50) NOT NULL,
  src_channel_id varchar(50) NOT NULL,
  dst_channel_id varchar(50) NOT NULL,
  sequence bigint NOT NULL,
  sender varchar(100) NOT NULL,
  receiver varchar(100) NOT NULL,
  amount numeric(40,0) NOT NULL,
  denom varchar(50) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'pending',
  created_at timestamptz DEFAULT now(),
  received_at timestamptz,
  stuck_at timestamptz,
  cleared_at timestamptz,
  relayer_address varchar(100),
  tx_hash_send varchar(100),
  attempts integer DEFAULT 0,
  metadata jsonb DEFAULT '{}',
  UNIQUE (src_chain_id, src_channel_id, sequence)
);
