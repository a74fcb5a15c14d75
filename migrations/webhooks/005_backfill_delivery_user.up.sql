-- pgrehearse: no-transaction
-- Batches by physical block, each committed by itself: row locks last milliseconds, where one statement over all rows
-- holds them for minutes. VACUUM between the parts lets later batches reuse the space that earlier ones left: the
-- document's single UPDATE doubles the table.
CREATE OR REPLACE PROCEDURE backfill_delivery_user(first_block bigint, end_block bigint) LANGUAGE plpgsql AS $$
DECLARE
    batch_blocks CONSTANT bigint := 1000;  -- about 45,000 rows
    stop         CONSTANT bigint := least(end_block, pg_relation_size('delivery_attempts') / 8192 + 1);
    lower_block  bigint := first_block;
BEGIN
    WHILE lower_block < stop LOOP
        UPDATE delivery_attempts d
           SET user_id = a.user_id
          FROM endpoints ep JOIN applications a ON a.id = ep.application_id
         WHERE ep.id = d.endpoint_id
           AND d.user_id IS NULL
           AND d.ctid >= format('(%s,0)', lower_block)::tid
           AND d.ctid < format('(%s,0)', least(lower_block + batch_blocks, stop))::tid;
        COMMIT;
        lower_block := lower_block + batch_blocks;
    END LOOP;
END $$;

CALL backfill_delivery_user(0, 40000);
VACUUM delivery_attempts;
CALL backfill_delivery_user(40000, 80000);
VACUUM delivery_attempts;
CALL backfill_delivery_user(80000, 120000);
VACUUM delivery_attempts;
CALL backfill_delivery_user(120000, 160000);
VACUUM delivery_attempts;
CALL backfill_delivery_user(160000, 4294967294);
DROP PROCEDURE backfill_delivery_user(bigint, bigint);
VACUUM (ANALYZE) delivery_attempts;
