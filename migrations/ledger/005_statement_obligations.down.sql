DROP TRIGGER anchor_authorizations_settled ON anchor_authorizations;
DROP FUNCTION add_settled();
DROP TRIGGER anchor_authorizations_authorized ON anchor_authorizations;
DROP FUNCTION add_authorized();
DROP FUNCTION lock_obligations(text[]);

CREATE FUNCTION add_to_obligations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE anchor_obligations SET total_authorized = total_authorized + NEW.units, last_updated = NEW.authorized_at
         WHERE anchor_type = NEW.anchor_type;
    ELSE
        UPDATE anchor_obligations
           SET total_fulfilled = total_fulfilled + CASE NEW.status WHEN 'FULFILLED' THEN NEW.units ELSE 0 END,
               total_expired = total_expired + CASE NEW.status WHEN 'EXPIRED' THEN NEW.units ELSE 0 END,
               last_updated = NEW.updated_at
         WHERE anchor_type = NEW.anchor_type;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER anchor_authorizations_authorized AFTER INSERT ON anchor_authorizations
    FOR EACH ROW EXECUTE FUNCTION add_to_obligations();
CREATE TRIGGER anchor_authorizations_settled AFTER UPDATE OF status ON anchor_authorizations
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION add_to_obligations();
