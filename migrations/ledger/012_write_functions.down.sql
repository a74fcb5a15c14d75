DROP FUNCTION post_entry(uuid, text, text, text, integer[], text[], numeric[], timestamptz);
