-- Make the receipts of records from an offset on, each thousandth of a dead letter.
-- Table: receipts (key: log_partition, log_offset).
INSERT INTO receipts (log_partition, log_offset, record_id, outcome, org_id, session_id, kind, received_at, facts, added)
SELECT
    0,
    number,
    generateUUIDv4(),
    if(number % 1000 = 999, 'dead', 'projected'),
    concat('org', toString(number % 100)),
    toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number % 100000), 12, '0'))),
    'events_recorded',
    toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalSecond(intDiv(number, 10)),
    10,
    10
FROM numbers({start:UInt64}, {count:UInt64})
