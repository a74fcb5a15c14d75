ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_fkey;
ALTER TABLE delivery_attempts
    ADD CONSTRAINT delivery_attempts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID;
