-- How often messages of each queue failed for good.
select queue, sum(times)::bigint from dead_letters group by queue
