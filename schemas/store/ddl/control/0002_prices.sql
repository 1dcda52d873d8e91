-- The prices of tokens, in nano-dollars per million tokens: append-only, the row loaded last wins for its model and
-- moment. `schemas/pricing/price_list.py` says which rows count for which generation.
CREATE TABLE IF NOT EXISTS prices
(
    model               String,
    effective_from      DateTime64(3, 'UTC'),
    input_nano          Int64,
    output_nano         Int64,
    cache_read_nano     Int64,
    cache_write_5m_nano Int64,
    cache_write_1h_nano Int64,
    loaded_at           DateTime64(6, 'UTC') -- by the store's clock; 1970 for the list of a new installation
)
ENGINE = MergeTree
ORDER BY (model, effective_from, loaded_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
