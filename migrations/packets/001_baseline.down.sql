DROP TABLE packet_flow, network_stats, user_statistics, refunds, payment_transactions, clearing_operations;
