-- Which endpoints want an event: one row for each (chain, contract, signature) that an endpoint listens to, so that a
-- match is an index look-up instead of a scan with array tests. "*" and chain 0 stand for "any".
CREATE TABLE endpoint_routes (
    chain_id    integer NOT NULL,
    contract    text NOT NULL,
    signature   text NOT NULL,
    endpoint_id uuid NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    PRIMARY KEY (chain_id, contract, signature, endpoint_id)
);
CREATE INDEX idx_endpoint_routes_endpoint ON endpoint_routes (endpoint_id);

CREATE FUNCTION routes_of(endpoints) RETURNS SETOF endpoint_routes LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT chain, lower(contract), signature, $1.id
      FROM unnest(coalesce($1.chain_ids, '{0}')) AS chain,
           unnest(coalesce($1.contract_addresses, '{*}')) AS contract,
           unnest(coalesce($1.event_signatures, '{*}')) AS signature
$$;

CREATE FUNCTION keep_endpoint_routes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM endpoint_routes WHERE endpoint_id = NEW.id;
    INSERT INTO endpoint_routes SELECT * FROM routes_of(NEW);
    RETURN NULL;
END $$;

CREATE TRIGGER endpoints_routes
    AFTER INSERT OR UPDATE OF chain_ids, contract_addresses, event_signatures ON endpoints
    FOR EACH ROW EXECUTE FUNCTION keep_endpoint_routes();

INSERT INTO endpoint_routes SELECT r.* FROM endpoints ep, routes_of(ep) AS r;
