-- What has a user sent: the sessions that the user began, and the records in sessions of others?
-- Tables: sessions (key: org_id), facts (key: org_id, session_id). Repetitions of events are facts, too: without FINAL.
WITH
    own AS
    (
        SELECT org_id, session_id
        FROM sessions
        WHERE org_id = {org_id:String}
          AND user_id = {user_id:String}
    )
SELECT
    sumIf(number, what = 'session') AS sessions,
    sumIf(amount, what = 'session') AS own_events,
    sumIf(nano, what = 'session') AS own_cost_nano,
    sumIf(number, what = 'shared') AS shared_sessions,
    sumIf(amount, what = 'shared') AS shared_events
FROM
(
    SELECT
        'session' AS what,
        count() AS number,
        sum(events) AS amount,
        sum(cost_nano) AS nano
    FROM sessions FINAL
    WHERE org_id = {org_id:String}
      AND user_id = {user_id:String}
    UNION ALL
    SELECT
        'shared',
        uniqExact(session_id),
        countIf(kind = 'events_recorded' AND NOT is_deleted),
        toInt64(0)
    FROM facts
    WHERE org_id = {org_id:String}
      AND user_id = {user_id:String}
      AND (org_id, session_id) NOT IN own
)
