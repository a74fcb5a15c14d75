-- Old data archival (D:140): a batch at a time, what is finished, in one statement. The roll-ups stay.
CREATE TABLE packet_flow_archive (LIKE packet_flow);
CREATE INDEX idx_packet_flow_archive_created ON packet_flow_archive USING brin (created_at);

CREATE FUNCTION archive_packets(before timestamptz, at_most integer DEFAULT 10000) RETURNS bigint LANGUAGE sql AS $$
  WITH old AS (
    SELECT id FROM packet_flow WHERE created_at < before AND status IN ('cleared', 'failed')
     ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM packet_flow p USING old WHERE p.id = old.id RETURNING p.*
  ), kept AS (
    INSERT INTO packet_flow_archive SELECT * FROM gone RETURNING 1
  )
  SELECT count(*) FROM kept
$$;

-- Index bloat (D:138). maintain_indexes of the service asked for a column that does not exist, and would have run REINDEX
-- CONCURRENTLY inside a function, which PostgreSQL refuses. What D:241 calls bloat is the size of indexes and TOAST. This measures with
-- pgstattuple and gives the command to whoever schedules it; it returns no row where the extension is absent.
CREATE FUNCTION indexes_to_rebuild(least_bytes bigint DEFAULT 10485760, least_bloat numeric DEFAULT 30)
RETURNS TABLE (index_name text, bytes bigint, bloat numeric, command text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF to_regprocedure('pgstatindex(regclass)') IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE $query$
    SELECT i.indexrelname::text, pg_relation_size(i.indexrelid), round((100 - s.avg_leaf_density)::numeric, 1),
           format('REINDEX INDEX CONCURRENTLY %I.%I', i.schemaname, i.indexrelname)
      FROM pg_stat_user_indexes i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
      CROSS JOIN LATERAL pgstatindex(i.indexrelid::regclass) s
     WHERE pg_relation_size(i.indexrelid) >= $1 AND 100 - s.avg_leaf_density >= $2
     ORDER BY 2 DESC$query$
  USING least_bytes, least_bloat;
END $$;

-- D:286 ends every backend that is active for an hour: replication and autovacuum, too. This ends clients of this database only.
-- Materialised: in one WHERE the server may ask pg_terminate_backend first.
CREATE FUNCTION terminate_long_queries(longer_than interval DEFAULT '1 hour') RETURNS SETOF integer LANGUAGE sql AS $$
  WITH long AS MATERIALIZED (
    SELECT pid FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
       AND state = 'active' AND query_start < clock_timestamp() - longer_than
  )
  SELECT pid FROM long WHERE pg_terminate_backend(pid)
$$;
