-- Which parts of these tables hold rows that were deleted from them? They may have been replaced by now.
-- Tables: system.parts.
SELECT
    table,
    name
FROM system.parts
WHERE database = currentDatabase()
  AND table IN {tables:Array(String)}
  AND has_lightweight_delete
