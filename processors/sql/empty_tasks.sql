-- Which sessions have empty rows of tasks, which name what is erased, and none of the rows that these replace? Up to which
-- offset?
-- Tables: tasks (key org_id, session_id), erased_positions (key org_id, session_id).
SELECT
    org_id,
    session_id,
    emptied - 1 AS erased_at
FROM
(
    SELECT
        org_id,
        session_id,
        maxIf(version, is_erased) AS emptied,
        countIf(NOT is_erased) AS others,
        minIf(version, NOT is_erased) AS oldest
    FROM tasks
    WHERE (org_id, session_id) IN (SELECT org_id, session_id FROM erased_positions)
    GROUP BY org_id, session_id
)
WHERE emptied > 0
  AND (others = 0 OR oldest >= emptied)
