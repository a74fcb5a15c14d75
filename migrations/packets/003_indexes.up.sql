-- Indexes for what is asked, instead of the document's. New names, so that each is there before the one that it replaces goes.
-- Reads of one wallet, whole: totals and page from one index. Not partial: no query asks for deleted_at IS NULL.
CREATE INDEX CONCURRENTLY idx_clearing_operations_wallet_page
  ON clearing_operations (wallet_address, created_at DESC, id DESC) INCLUDE (clearing_status, total_fee, clearing_token);
-- In the order of the list, and small: stuck packets only. The column of its condition counts as indexed, so a change of status is
-- still no HOT update; it writes an entry here only where a packet is stuck, and one in each index that is not partial.
CREATE INDEX CONCURRENTLY idx_packet_flow_stuck_newest ON packet_flow (created_at DESC, id DESC) WHERE status = 'stuck';
-- In the order of the pages.
CREATE INDEX CONCURRENTLY idx_packet_flow_sender_newest ON packet_flow (sender, created_at DESC, id DESC);
CREATE INDEX CONCURRENTLY idx_packet_flow_receiver_newest ON packet_flow (receiver, created_at DESC, id DESC);

DROP INDEX CONCURRENTLY idx_clearing_operations_wallet;
DROP INDEX CONCURRENTLY idx_clearing_operations_wallet_created;
DROP INDEX CONCURRENTLY idx_clearing_operations_wallet_status;
DROP INDEX CONCURRENTLY idx_payment_tx_hash;
DROP INDEX CONCURRENTLY idx_payment_tx_created;
-- The longer index on (status, created_at) begins with the same column.
DROP INDEX CONCURRENTLY idx_refunds_status;
DROP INDEX CONCURRENTLY idx_refunds_operation;
DROP INDEX CONCURRENTLY idx_network_stats_chain_date;
DROP INDEX CONCURRENTLY idx_network_stats_date;
DROP INDEX CONCURRENTLY idx_packet_flow_status_created;
DROP INDEX CONCURRENTLY idx_packet_flow_stuck;
DROP INDEX CONCURRENTLY idx_packet_flow_route_status;
DROP INDEX CONCURRENTLY idx_packet_flow_relayer;
DROP INDEX CONCURRENTLY idx_packet_flow_sender;
DROP INDEX CONCURRENTLY idx_packet_flow_receiver;
