-- The indexes as the source document names them (D:41 to D:59) and the service had them, on the columns of their names.
-- Built without blocking writers, as D:59 and D:197 ask; the files of the service did not. What is wrong with them:

-- Partial for rows that are not deleted, but no query of the service asks for that: never used.
CREATE INDEX CONCURRENTLY idx_clearing_operations_wallet_created
  ON clearing_operations (wallet_address, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX CONCURRENTLY idx_clearing_operations_wallet_status
  ON clearing_operations (wallet_address, clearing_status) WHERE deleted_at IS NULL;
-- Repeats a unique key: only a cost.
CREATE INDEX CONCURRENTLY idx_payment_tx_hash ON payment_transactions (tx_hash);
CREATE INDEX CONCURRENTLY idx_payment_tx_created ON payment_transactions (created_at);
CREATE INDEX CONCURRENTLY idx_refunds_status_created ON refunds (status, created_at);
CREATE INDEX CONCURRENTLY idx_refunds_operation ON refunds (clearing_token);
-- Repeats a unique key, too.
CREATE INDEX CONCURRENTLY idx_network_stats_chain_date ON network_stats (chain_id, date);
CREATE INDEX CONCURRENTLY idx_network_stats_date ON network_stats (date);
-- Three of these hold the status: each change of status writes three entries more.
CREATE INDEX CONCURRENTLY idx_packet_flow_status_created ON packet_flow (status, created_at);
CREATE INDEX CONCURRENTLY idx_packet_flow_stuck ON packet_flow (created_at) WHERE status = 'stuck';
CREATE INDEX CONCURRENTLY idx_packet_flow_route_status ON packet_flow (src_chain_id, dst_chain_id, status);
CREATE INDEX CONCURRENTLY idx_packet_flow_relayer ON packet_flow (relayer_address) WHERE relayer_address IS NOT NULL;
-- These find the packets of a wallet, but not in the order of the page.
CREATE INDEX CONCURRENTLY idx_packet_flow_sender ON packet_flow (sender);
CREATE INDEX CONCURRENTLY idx_packet_flow_receiver ON packet_flow (receiver);
CREATE INDEX CONCURRENTLY idx_packet_flow_channel_sequence ON packet_flow (src_channel_id, sequence);
