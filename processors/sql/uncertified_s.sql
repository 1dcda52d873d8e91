-- For how many seconds has anything been erased that no check has found to be gone? 0: there is nothing.
-- Table: erased (key org_id, session_id).
SELECT greatest(0, ifNull(dateDiff('second', minOrNull(requested_at), now64(3)), 0))
FROM erased
WHERE log_offset >= {clean_below:Array(UInt64)}[log_partition + 1]
