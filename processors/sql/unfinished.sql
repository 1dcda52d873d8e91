-- Which deletes are not finished, and why did one fail last?
-- Tables: system.mutations.
SELECT
    table,
    latest_fail_reason
FROM system.mutations
WHERE database = currentDatabase()
  AND NOT is_done
  AND NOT is_killed
