-- Which parts of these tables still hold rows that were deleted from them?
-- Tables: system.parts.
SELECT
    table,
    name
FROM system.parts
WHERE database = currentDatabase()
  AND table IN {tables:Array(String)}
  AND active
  AND has_lightweight_delete
