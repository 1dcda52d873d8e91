"""ClickHouse's own Kafka engine, run in an environment with a ClickHouse that includes it (`ENGINE`).

`PYTHON kafka_engine.py BOOTSTRAP TOPIC GROUP FOLDER EVENTS` ends when its table holds that many events. It prints a
`Turn`: events per second since the first look that found some, its processor time for an event in µs, and that of its
start in seconds. It imports nothing of ours, since its interpreter has only the engine. Its tables are not in an SQL
file: the store server, which has no Kafka engine, must accept every SQL file.
"""

import json
import sys
import time

ENGINE = "chdb==3.6.0"
CONSUMERS, RECORDS = 2, 400  # one for each core; blocks of 20,000 events were slower, of 80,000 not faster
LIMIT_S, POLL_S = 240.0, 0.1
_TABLES = """
-- The log as a table, and raw facts that a materialized view fills from it: one row for each event of a record.
-- A block ends after `records` messages: with the default of 65,536, a whole run would be one flush.
CREATE DATABASE bench ENGINE = Atomic;

CREATE TABLE bench.facts
(
    org_id      LowCardinality(String),
    session_id  UUID,
    received_at DateTime64(3, 'UTC'),
    event_id    UUID,
    timestamp   DateTime64(3, 'UTC'),
    event_type  LowCardinality(String),
    seq         Nullable(Int64),
    data        String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (org_id, session_id, timestamp);

CREATE TABLE bench.log
(
    org_id      String,
    session_id  UUID,
    received_at Int64,
    events      Array(Tuple(event_id UUID, event_type String, timestamp Int64, seq Nullable(Int64), data String))
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{bootstrap}',
    kafka_topic_list = '{topic}',
    kafka_group_name = '{group}',
    kafka_format = 'JSONEachRow',
    kafka_num_consumers = {consumers},
    kafka_thread_per_consumer = 1,
    kafka_max_block_size = {records},
    kafka_poll_max_batch_size = {records},
    kafka_flush_interval_ms = 1000,
    input_format_skip_unknown_fields = 1,
    input_format_json_read_objects_as_strings = 1;

CREATE MATERIALIZED VIEW bench.to_facts TO bench.facts AS
SELECT
    org_id,
    session_id,
    fromUnixTimestamp64Milli(received_at, 'UTC') AS received_at,
    event.event_id AS event_id,
    fromUnixTimestamp64Milli(event.timestamp, 'UTC') AS timestamp,
    event.event_type AS event_type,
    event.seq AS seq,
    event.data AS data
FROM bench.log
ARRAY JOIN events AS event
"""


def main(bootstrap: str, topic: str, group: str, folder: str, wanted: str) -> None:
    """Follow the topic to its end. Raises `SystemExit` with a reason if that takes too long."""
    from chdb.session import Session

    engine = Session(folder)
    values = {"bootstrap": bootstrap, "topic": topic, "group": group, "consumers": CONSUMERS, "records": RECORDS}
    statements = _TABLES
    for name, value in values.items():
        statements = statements.replace(f"{{{name}}}", str(value))
    for statement in statements.split(";\n"):
        engine.query(statement)
    start_s = time.process_time()
    deadline = time.monotonic() + LIMIT_S
    first_events, first_at, stored = 0, 0.0, 0
    while stored < int(wanted):
        if time.monotonic() > deadline:
            sys.exit(f"{stored} of {wanted} events after {LIMIT_S:.0f} s")
        time.sleep(POLL_S)
        stored = int(str(engine.query("SELECT count() FROM bench.facts")))
        if stored and not first_events:
            first_events, first_at = stored, time.monotonic()
    seconds, processor_s = time.monotonic() - first_at, time.process_time() - start_s
    if int(str(engine.query("SELECT count() FROM bench.facts WHERE length(data) > 1"))) < stored:
        sys.exit("rows without their payloads")
    rate = (stored - first_events) / seconds
    print(json.dumps([rate, processor_s / stored * 1e6, start_s]), flush=True)
    engine.query("DROP TABLE bench.to_facts")
    engine.query("DROP TABLE bench.log")
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:6])
