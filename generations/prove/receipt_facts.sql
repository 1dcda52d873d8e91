-- Which receipts of a range of offsets claim another number of facts than there are at their position?
-- Tables: receipts (key: log_partition, log_offset), facts (key: org_id, session_id,
-- place), of the sessions of these receipts; erased, erased_positions.
SELECT
    log_partition,
    log_offset,
    org_id,
    session_id,
    day,
    added,
    facts
FROM
(
    SELECT
        log_partition,
        log_offset,
        org_id,
        session_id,
        toString(toDate(received_at)) AS day,
        if((org_id, session_id) IN (SELECT org_id, session_id FROM erased)
            OR (log_partition, log_offset) IN (SELECT log_partition, erased_offset FROM erased_positions),
            0, added) AS added
    FROM receipts FINAL
{{offset_range}}
) AS claimed
LEFT JOIN
(
    SELECT
        log_partition,
        log_offset,
        count() AS facts
    FROM facts FINAL
    WHERE (org_id, session_id) IN
    (
        SELECT
            org_id,
            session_id
        FROM receipts
{{offset_range}}
    )
      AND place >= {since:UInt64} * 65536
      AND place < {until:UInt64} * 65536
    GROUP BY
        log_partition,
        log_offset
) AS counted USING (log_partition, log_offset)
WHERE added != facts
ORDER BY
    log_partition,
    log_offset
