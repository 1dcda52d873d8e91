-- Until when did an org receive records whose events have no words for search? 0: all have.
-- Table: receipts (key: log_partition, log_offset); the index on has_words leaves out the granules of records that have.
SELECT toUnixTimestamp64Milli(max(received_at)) AS received_ms
FROM receipts
WHERE org_id = {org_id:String}
  AND NOT has_words
