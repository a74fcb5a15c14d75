-- Phase 3 of the document: authorizations by status. It works, at a price: keys must hold the status, so that an event may
-- be there once for each status; the foreign key of fulfilments is lost, since settling would change what it points at; and
-- settling deletes from one partition and inserts into the other, where two writers of one row get error 40001. Triggers
-- of the row for UPDATE OF status fire no longer: obligations are kept by statement since migration 005. Writers wait for the copy.
LOCK TABLE anchor_authorizations, anchor_fulfillments IN ACCESS EXCLUSIVE MODE;
ALTER TABLE anchor_fulfillments DROP CONSTRAINT anchor_fulfillments_authorization_id_fkey;
ALTER TABLE anchor_authorizations RENAME TO anchor_authorizations_whole;

CREATE TABLE anchor_authorizations (LIKE anchor_authorizations_whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY LIST (status);
CREATE TABLE anchor_authorizations_active PARTITION OF anchor_authorizations FOR VALUES IN ('AUTHORIZED', 'PENDING');
CREATE TABLE anchor_authorizations_completed PARTITION OF anchor_authorizations FOR VALUES IN ('FULFILLED', 'EXPIRED', 'FAILED');
INSERT INTO anchor_authorizations SELECT * FROM anchor_authorizations_whole ORDER BY created_at;
DROP TABLE anchor_authorizations_whole;

ALTER TABLE anchor_authorizations ADD PRIMARY KEY (id, status);
ALTER TABLE anchor_authorizations ADD UNIQUE (event_id, status);
CREATE INDEX idx_anchor_auth_user ON anchor_authorizations (user_address);
CREATE INDEX idx_anchor_auth_type ON anchor_authorizations (anchor_type);
CREATE INDEX idx_anchor_auth_status ON anchor_authorizations (status);
CREATE INDEX idx_anchor_auth_expires ON anchor_authorizations (expires_at);
CREATE INDEX idx_anchor_auth_created ON anchor_authorizations (created_at);
CREATE INDEX idx_anchor_auth_user_status_expires ON anchor_authorizations (user_address, status, expires_at);
CREATE INDEX idx_anchor_auth_active_user ON anchor_authorizations (user_address) WHERE status IN ('AUTHORIZED', 'PENDING');

CREATE TRIGGER anchor_authorizations_authorized AFTER INSERT ON anchor_authorizations
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_authorized();
CREATE TRIGGER anchor_authorizations_settled AFTER UPDATE ON anchor_authorizations
    REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION add_settled();
CREATE TRIGGER anchor_authorizations_touched BEFORE UPDATE ON anchor_authorizations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ANALYZE anchor_authorizations;
