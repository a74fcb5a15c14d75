-- What was archived goes back, and is in the roll-ups already.
ALTER TABLE packet_flow DISABLE TRIGGER count_new_packets;
INSERT INTO packet_flow SELECT * FROM packet_flow_archive;
ALTER TABLE packet_flow ENABLE TRIGGER count_new_packets;
DROP FUNCTION terminate_long_queries(interval);
DROP FUNCTION indexes_to_rebuild(bigint, numeric);
DROP FUNCTION archive_packets(timestamptz, integer);
DROP TABLE packet_flow_archive;
