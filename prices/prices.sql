-- Which prices were ever loaded, in the order of loading, and what does the store's clock say now?
-- Table: prices, in the control database (small, read whole).
SELECT
    model,
    toUnixTimestamp64Milli(effective_from) AS from_ms,
    input_nano,
    output_nano,
    cache_read_nano,
    cache_write_5m_nano,
    cache_write_1h_nano,
    toUnixTimestamp64Micro(loaded_at) AS loaded_us,
    toUnixTimestamp64Milli(now64(3)) AS read_at_ms
FROM {control:Identifier}.prices
ORDER BY loaded_us
