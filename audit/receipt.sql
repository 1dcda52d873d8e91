-- What is the outcome of one position of the log, if this org may know it? No row: none yet, or it is another org's.
-- Tables: receipts, dead_letters (key: log_partition, log_offset), erased, erased_positions.
-- The receipt of a dead record has no org, because the record's content is not trusted; it is shown only to the org
-- that the record's bytes name.
SELECT
    outcome,
    toUnixTimestamp64Milli(received_at) AS received_ms,
    toUnixTimestamp64Milli(stored_at) AS stored_ms,
    facts,
    added,
    letter.reason AS reason,
    receipt.session_id AS session_id,
    JSONExtractString(letter.value, 'actor', 'user_id') AS dead_user_id
FROM
(
    SELECT
        log_partition,
        log_offset,
        org_id,
        session_id,
        if((org_id, session_id) IN (SELECT org_id, session_id FROM erased)
            OR (log_partition, log_offset) IN (SELECT log_partition, erased_offset FROM erased_positions),
            'erased', outcome) AS outcome,
        received_at,
        stored_at,
        facts,
        added
    FROM receipts FINAL
    WHERE log_partition = {log_partition:UInt16}
      AND log_offset = {log_offset:UInt64}
) AS receipt
LEFT JOIN
(
    SELECT log_partition, log_offset, reason, value
    FROM dead_letters FINAL
    WHERE log_partition = {log_partition:UInt16}
      AND log_offset = {log_offset:UInt64}
) AS letter USING (log_partition, log_offset)
WHERE receipt.org_id = {org_id:String}
   OR JSONExtractString(letter.value, 'org_id') = {org_id:String}
