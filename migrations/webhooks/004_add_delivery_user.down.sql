ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_user_present;
DROP TRIGGER applications_owner ON applications;
DROP FUNCTION keep_application_owner();
DROP TRIGGER delivery_attempts_user ON delivery_attempts;
DROP FUNCTION fill_delivery_user();
ALTER TABLE delivery_attempts DROP COLUMN user_id;
