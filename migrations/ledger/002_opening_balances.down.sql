TRUNCATE account_balances, anchor_obligations, anchor_fulfillments;
