-- Raw rows, and a count of each session by a materialized view: what a prototype begins with.
CREATE TABLE facts
(
    org_id      LowCardinality(String),
    session_id  UUID,
    received_at DateTime64(3, 'UTC'),
    timestamp   DateTime64(3, 'UTC'),
    event_type  LowCardinality(String),
    seq         Nullable(Int64),
    data        String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (org_id, session_id, timestamp);

CREATE TABLE sessions
(
    org_id     LowCardinality(String),
    session_id UUID,
    events     SimpleAggregateFunction(sum, UInt64),
    started_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_at    SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (org_id, session_id);

CREATE MATERIALIZED VIEW to_sessions TO sessions AS
SELECT
    org_id,
    session_id,
    count() AS events,
    min(timestamp) AS started_at,
    max(timestamp) AS last_at
FROM facts
GROUP BY org_id, session_id
