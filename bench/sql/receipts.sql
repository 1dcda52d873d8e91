-- What did a projector write, and how long did it take? Totals of all receipts of a generation, with all events and the
-- size of all tables. `later` leaves out the first batch, at whose end the clock starts. It reads every receipt and fact.
SELECT
    count() AS records,
    toUnixTimestamp64Milli(min(stored_at)) AS first_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_ms,
    sumIf(facts, stored_at > (SELECT min(stored_at) FROM receipts)) AS later,
    uniqExact(stored_at) AS batches,
    (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()) AS bytes,
    (SELECT count() FROM facts FINAL WHERE kind = 'events_recorded') AS events
FROM receipts FINAL
