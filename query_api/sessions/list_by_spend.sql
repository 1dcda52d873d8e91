-- Which sessions of an org match and spent most between two times? One page of their ids in the order of `sort`, and the
-- number of all.
-- Tables: sessions (key: org_id, started_hour, session_id), amounts (key: org_id, bucket, session_id). It finds the same
-- sessions as `query_api.sessions.list`.
WITH
    spent AS
    (
        SELECT
            session_id AS spender,
            sum(one.cost_nano) AS spent_nano,
            sum(one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_creation_tokens) AS spent_tokens
        FROM amounts FINAL
        LEFT ARRAY JOIN models AS one
        WHERE org_id = {org_id:String}
          AND bucket >= {spent_after:Nullable(DateTime('UTC'))}
          AND bucket < {spent_before:Nullable(DateTime('UTC'))}
          AND ({model:Nullable(String)} IS NULL OR one.model = {model:Nullable(String)})
        GROUP BY spender
    ),
    -spent_nano AS `-cost_usd`,
    -spent_tokens AS `-tokens`
SELECT
    session_id,
    toUnixTimestamp(started_hour) AS started_hour_s,
    count() OVER () AS total_count
FROM sessions FINAL
INNER JOIN spent ON session_id = spender
WHERE org_id = {org_id:String}
{{listed}}
{{spent_in}}
ORDER BY
    {sort:Identifier},
    started_at DESC,
    session_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
SETTINGS
    use_skip_indexes_if_final = 1,
    use_skip_indexes_if_final_exact_mode = 1
