-- Which prices have ever been loaded, in the order of loading?
-- Table: prices, in the control database (small, read whole).
SELECT
    model,
    toUnixTimestamp64Milli(effective_from) AS from_ms,
    input_nano,
    output_nano,
    cache_read_nano,
    cache_write_5m_nano,
    cache_write_1h_nano,
    toUnixTimestamp64Micro(loaded_at) AS loaded_us
FROM prices
ORDER BY loaded_us
