-- Which rows of {{table}} are in some buckets of a range: key, version and hash of each? With `contents`, only those
-- that have one of these hashes, with each column as text. A long text is cut, and ends with its length and hash.
-- Table: {{table}} (key: begins with the columns of the condition).
SELECT
    [{{key}}] AS row_key,
    {{bucket}} AS bucket,
    {{version}} AS row_version,
    log_partition AS row_partition,
    cityHash64([{{hashes}}]) AS content,
    if(empty({contents:Array(UInt64)}), [], arrayMap(
        text -> if(length(text) <= 200 AND isValidUTF8(text), text, concat(toValidUTF8(substring(text, 1, 200)),
            '… (', toString(length(text)), ' bytes with hash ', lower(hex(cityHash64(text))), ')')),
        [{{texts}}])) AS cells
FROM {{table}} FINAL
{{range}}
  AND bucket IN {buckets:Array(UInt64)}
  AND (empty({contents:Array(UInt64)}) OR content IN {contents:Array(UInt64)})
