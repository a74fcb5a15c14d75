-- What follows from other rows: triggers do not fire while the seed is loaded, and sums over millions of rows are no business
-- of a generator. A fulfilment for each fulfilled authorization, obligations by type, balances of all lines.
INSERT INTO anchor_fulfillments (id, authorization_id, event_id, proof_hash, fulfillment_type, provider_order_id, fulfilled_at)
SELECT md5(event_id)::uuid, id, event_id, '0x' || md5(event_id) || md5(event_id || 'proof'),
       (ARRAY['GIFT_CARD', 'DIRECT_CREDIT', 'PAYMENT'])[1 + units % 3], provider_order_id, fulfilled_at
  FROM anchor_authorizations WHERE status = 'FULFILLED';

INSERT INTO anchor_obligations (id, anchor_type, obligation_account_id, total_authorized, total_fulfilled, total_expired, last_updated)
SELECT md5(kind)::uuid, kind, 2300, coalesce(sum(units), 0), coalesce(sum(units) FILTER (WHERE status = 'FULFILLED'), 0),
       coalesce(sum(units) FILTER (WHERE status = 'EXPIRED'), 0), max(created_at)
  FROM unnest(ARRAY['GROCERY', 'FUEL', 'UTILITY', 'MOBILE', 'HOUSING', 'MEDICAL']) AS kind
  LEFT JOIN anchor_authorizations a ON a.anchor_type = kind
 WHERE EXISTS (SELECT FROM accounts WHERE id = 2300)  -- not so in an empty database
 GROUP BY kind;

INSERT INTO account_balances (account_id, current_balance, last_updated)
SELECT a.id, coalesce(sum(CASE l.line_type WHEN 'DEBIT' THEN l.amount ELSE -l.amount END), 0), max(l.created_at)
  FROM accounts a LEFT JOIN journal_entry_lines l ON l.account_id = a.id
 GROUP BY a.id;
ANALYZE anchor_fulfillments, anchor_obligations, account_balances;
