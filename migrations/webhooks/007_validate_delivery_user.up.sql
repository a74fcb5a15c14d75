-- In a transaction of its own: the one that adds the key holds a lock against writers until it ends.
ALTER TABLE delivery_attempts VALIDATE CONSTRAINT delivery_attempts_user_fkey;
