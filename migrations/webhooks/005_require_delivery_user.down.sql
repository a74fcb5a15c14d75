ALTER TABLE delivery_attempts ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE delivery_attempts
    DROP CONSTRAINT delivery_attempts_user_fkey,
    ADD CONSTRAINT delivery_attempts_user_present CHECK (user_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT delivery_attempts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID;
