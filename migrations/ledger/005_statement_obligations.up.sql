-- Obligations kept once for each statement, types in order: two writers who settle several at once queue, where row by row they
-- deadlock, and a statement over many authorizations updates six rows. It is also the form that works when settling moves a
-- row to another partition: that fires no UPDATE trigger of the row, while the transition tables of the statement have it.
DROP TRIGGER anchor_authorizations_authorized ON anchor_authorizations;
DROP TRIGGER anchor_authorizations_settled ON anchor_authorizations;
DROP FUNCTION add_to_obligations();

CREATE FUNCTION lock_obligations(anchor_types text[]) RETURNS void LANGUAGE sql AS $$
    SELECT FROM anchor_obligations WHERE anchor_type = ANY (anchor_types) ORDER BY anchor_type FOR NO KEY UPDATE
$$;

CREATE FUNCTION add_authorized() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_obligations(ARRAY(SELECT DISTINCT anchor_type FROM added));
    UPDATE anchor_obligations o SET total_authorized = o.total_authorized + a.units, last_updated = a.last_updated
      FROM (SELECT anchor_type, sum(units) AS units, max(authorized_at) AS last_updated FROM added GROUP BY anchor_type) AS a
     WHERE o.anchor_type = a.anchor_type;
    RETURN NULL;
END $$;
CREATE TRIGGER anchor_authorizations_authorized AFTER INSERT ON anchor_authorizations
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_authorized();

CREATE FUNCTION add_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_obligations(ARRAY(SELECT DISTINCT n.anchor_type FROM changed n JOIN former o USING (id)
                                    WHERE n.status <> o.status));
    UPDATE anchor_obligations o
       SET total_fulfilled = o.total_fulfilled + s.fulfilled, total_expired = o.total_expired + s.expired,
           last_updated = s.last_updated
      FROM (SELECT n.anchor_type, coalesce(sum(n.units) FILTER (WHERE n.status = 'FULFILLED'), 0) AS fulfilled,
                   coalesce(sum(n.units) FILTER (WHERE n.status = 'EXPIRED'), 0) AS expired,
                   max(n.updated_at) AS last_updated
              FROM changed n JOIN former f USING (id) WHERE n.status <> f.status GROUP BY n.anchor_type) AS s
     WHERE o.anchor_type = s.anchor_type;
    RETURN NULL;
END $$;
CREATE TRIGGER anchor_authorizations_settled AFTER UPDATE ON anchor_authorizations
    REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION add_settled();
