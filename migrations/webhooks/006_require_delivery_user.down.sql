ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_fkey;
ALTER TABLE delivery_attempts ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE delivery_attempts ADD CONSTRAINT delivery_attempts_user_present CHECK (user_id IS NOT NULL) NOT VALID;
