-- Below which offset of a partition are all receipts known to be there, and where do its receipts end?
-- Tables: dense_receipts (key log_partition), receipts (key log_partition, log_offset), of which the last is read.
SELECT
    (
        SELECT max(dense_below)
        FROM dense_receipts
        WHERE log_partition = {partition:UInt16}
    ) AS dense_below,
    (
        SELECT ifNull(max(last) + 1, 0)
        FROM
        (
            SELECT toNullable(log_offset) AS last
            FROM receipts
            WHERE log_partition = {partition:UInt16}
            ORDER BY
                log_partition DESC,
                log_offset DESC
            LIMIT 1
        )
    ) AS end
