-- Nothing to take back: the column goes with migration 004, and its values do no harm until then.
SELECT 1;
