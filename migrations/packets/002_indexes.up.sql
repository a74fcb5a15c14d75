-- The indexes that the source document names for what is asked (D:41 to D:56), built without blocking writers as it says (D:59,
-- D:197; the files of the service did not). Left out: idx_network_stats_chain_date (D:46) repeats a unique key.
-- Reads of one wallet, whole: totals and page from one index. The document's partial form WHERE deleted_at IS NULL is never
-- used, because no query filters by it.
CREATE INDEX CONCURRENTLY idx_clearing_operations_wallet_created
  ON clearing_operations (wallet_address, created_at DESC, id DESC) INCLUDE (clearing_status, total_fee, clearing_token);
-- D:45 has (status, created_at) over every packet, so that each change of status writes it. Lists ask for the stuck ones only.
CREATE INDEX CONCURRENTLY idx_packet_flow_stuck ON packet_flow (created_at DESC, id DESC) WHERE status = 'stuck';
-- D:49
CREATE INDEX CONCURRENTLY idx_packet_flow_channel_sequence ON packet_flow (src_channel_id, sequence);
CREATE INDEX CONCURRENTLY idx_packet_flow_sender ON packet_flow (sender, created_at DESC, id DESC);
CREATE INDEX CONCURRENTLY idx_packet_flow_receiver ON packet_flow (receiver, created_at DESC, id DESC);
-- Now the shorter index on the wallet alone is only a cost.
DROP INDEX CONCURRENTLY idx_clearing_operations_wallet;
