-- Nothing to take back: the column goes with migration 003, and its values do no harm until then.
SELECT 1;
