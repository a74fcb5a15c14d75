DROP TABLE packet_flow, network_stats, user_statistics, clearing_errors, refunds, payment_transactions, clearing_operations;
