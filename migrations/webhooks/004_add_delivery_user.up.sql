-- The document adds user_id, updates 5.6 million rows in one statement and sets NOT NULL, while the writer knows nothing
-- of the column: every insert would fail. Here the column is filled for new rows first, by a trigger that serves old and
-- new writers alike; constraints start as NOT VALID and hold for new rows at once. They hold for each new version of an old
-- row too, so the trigger also fills what is updated before the backfill gets to it: without that, 222 retries of old deliveries
-- failed in a rehearsal under load.
ALTER TABLE delivery_attempts ADD COLUMN user_id uuid;

CREATE FUNCTION fill_delivery_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT a.user_id INTO NEW.user_id
      FROM endpoints ep JOIN applications a ON a.id = ep.application_id
     WHERE ep.id = NEW.endpoint_id;
    RETURN NEW;
END $$;

CREATE TRIGGER delivery_attempts_user
    BEFORE INSERT OR UPDATE ON delivery_attempts
    FOR EACH ROW WHEN (NEW.user_id IS NULL) EXECUTE FUNCTION fill_delivery_user();

-- The copy in delivery_attempts would be wrong after an application changes hands, so that is refused until it moves both.
CREATE FUNCTION keep_application_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'application % cannot change its owner: delivery_attempts.user_id would be wrong', OLD.id
        USING HINT = 'Create a new application for the other user.';
END $$;

CREATE TRIGGER applications_owner
    BEFORE UPDATE OF user_id ON applications
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION keep_application_owner();

ALTER TABLE delivery_attempts
    ADD CONSTRAINT delivery_attempts_user_present CHECK (user_id IS NOT NULL) NOT VALID;
