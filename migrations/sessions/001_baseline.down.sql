DROP TABLE query_stats;
DROP TABLE balances;
DROP TABLE telemetry_events;
DROP TABLE nonces;
DROP TABLE blocks;
DROP TABLE reports;
DROP TABLE sessions;
DROP TABLE users;
