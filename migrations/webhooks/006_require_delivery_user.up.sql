-- VALIDATE scans under a weak lock; SET NOT NULL then trusts the valid CHECK and needs no scan under ACCESS EXCLUSIVE.
-- The foreign key comes after the backfill, which would otherwise look up the user of each of its rows.
ALTER TABLE delivery_attempts VALIDATE CONSTRAINT delivery_attempts_user_present;
ALTER TABLE delivery_attempts ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_present;
ALTER TABLE delivery_attempts
    ADD CONSTRAINT delivery_attempts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID;
