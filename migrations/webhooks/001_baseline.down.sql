DROP TABLE subscription_limits;
DROP TABLE audit_logs;
DROP TABLE usage_records;
DROP TABLE delivery_attempts;
DROP TABLE events;
DROP TABLE endpoints;
DROP TABLE applications;
DROP TABLE users;
