-- Share of their former size that the chunks of columns take; empty while there are none.
select sum(compressed_after_bytes)::float8 / nullif(sum(compressed_before_bytes), 0)::float8 as share
from storage_sizes
