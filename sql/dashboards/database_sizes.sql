-- What each table and aggregate takes, the largest first; compressed is the share that columns take of the same rows.
select
    relation as "table",
    partitions,
    table_bytes as rows,
    index_bytes as indexes,
    total_bytes as total,
    compressed_before_bytes as "before compression",
    compressed_after_bytes as "after compression",
    compressed_after_bytes::float8 / nullif(compressed_before_bytes, 0) as compressed
from storage_sizes
order by total_bytes desc, relation
