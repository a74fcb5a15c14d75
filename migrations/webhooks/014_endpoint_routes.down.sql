DROP TRIGGER endpoints_routes ON endpoints;
DROP FUNCTION keep_endpoint_routes();
DROP FUNCTION routes_of(endpoints);
DROP TABLE endpoint_routes;
