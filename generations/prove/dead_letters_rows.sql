-- Which dead letters are in some buckets of a range: key, version and hash of each? With `contents`, only those that have
-- one of these hashes, with each column as text. A long text is cut, and ends with its length and hash.
-- Table: dead_letters (key: log_partition, log_offset).
SELECT
    [toString(log_partition), toString(log_offset)] AS row_key,
    intDiv(log_offset, {block:UInt64}) AS bucket,
    toString(toDate(logged_at)) AS day,
    0 AS row_version,
    log_partition AS row_partition,
    cityHash64([COLUMNS(
{{dead_letters_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))]) AS content,
    if(empty({contents:Array(UInt64)}), [], arrayMap(
        text -> if(length(text) <= 200 AND isValidUTF8(text), text, concat(toValidUTF8(substring(text, 1, 200)),
            '… (', toString(length(text)), ' bytes with hash ', lower(hex(cityHash64(text))), ')')),
        [COLUMNS(
{{dead_letters_columns}}
        ) APPLY(x -> toString(x))])) AS cells
FROM dead_letters FINAL
{{offset_range}}
  AND bucket IN {buckets:Array(UInt64)}
  AND (empty({contents:Array(UInt64)}) OR content IN {contents:Array(UInt64)})
