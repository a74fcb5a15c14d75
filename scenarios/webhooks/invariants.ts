/** What must hold after seeding and after the load. */
import type { InvariantSpec } from 'pgrehearse';
import { stagesWithUser } from './stages.ts';

export const invariants: Record<string, InvariantSpec> = {
  success_means_2xx: {
    description: 'A delivery is a success exactly when the status is 2xx',
    sql: `SELECT id, success, http_status_code FROM delivery_attempts
             WHERE success IS DISTINCT FROM coalesce(http_status_code BETWEEN 200 AND 299, false) LIMIT 5`,
  },
  user_owns_endpoint: {
    description: "user_id of every attempt is the owner of the endpoint's application",
    stages: stagesWithUser,
    sql: `SELECT d.id, d.user_id, a.user_id AS owner
              FROM delivery_attempts d JOIN endpoints ep ON ep.id = d.endpoint_id
              JOIN applications a ON a.id = ep.application_id
             WHERE d.user_id IS DISTINCT FROM a.user_id LIMIT 5`,
  },
  statistics_count_every_delivery: {
    description: "Each user's hourly statistics add up to the user's deliveries, successes and distinct events",
    stages: ['after'],
    sql: `SELECT user_id, kept.*, counted.*
              FROM (SELECT user_id, sum(delivery_count) AS deliveries, sum(success_count) AS successes, sum(event_count) AS events
                      FROM user_hourly_stats GROUP BY user_id) AS kept
              FULL JOIN (SELECT user_id, sum(deliveries) AS deliveries, sum(successes) AS successes, count(*) AS events
                           FROM (SELECT user_id, event_id, count(*) AS deliveries, count(*) FILTER (WHERE success) AS successes
                                   FROM delivery_attempts GROUP BY user_id, event_id) AS pairs
                          GROUP BY user_id) AS counted USING (user_id)
             WHERE (kept.deliveries, kept.successes, kept.events)
                   IS DISTINCT FROM (counted.deliveries, counted.successes, counted.events) LIMIT 5`,
  },
  endpoint_statistics_count_every_delivery: {
    description: "Each endpoint's hourly statistics add up to its deliveries",
    stages: ['after'],
    sql: `SELECT endpoint_id, kept.deliveries, counted.deliveries AS counted
              FROM (SELECT endpoint_id, sum(delivery_count) AS deliveries FROM endpoint_hourly_stats GROUP BY 1) AS kept
              FULL JOIN (SELECT endpoint_id, count(*) AS deliveries FROM delivery_attempts GROUP BY 1) AS counted USING (endpoint_id)
             WHERE kept.deliveries IS DISTINCT FROM counted.deliveries LIMIT 5`,
  },
};
