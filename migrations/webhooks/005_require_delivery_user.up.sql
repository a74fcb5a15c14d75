-- VALIDATE scans under a weak lock; SET NOT NULL then trusts the valid CHECK and needs no scan under ACCESS EXCLUSIVE.
ALTER TABLE delivery_attempts VALIDATE CONSTRAINT delivery_attempts_user_present;
ALTER TABLE delivery_attempts VALIDATE CONSTRAINT delivery_attempts_user_fkey;
ALTER TABLE delivery_attempts ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_present;
