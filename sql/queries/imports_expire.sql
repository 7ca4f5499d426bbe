-- Forget imports that ended before a time, and those whose upload never came to its end; how many.
with expired as (
    delete from imports
    where finished_at < %(ended_before)s
       or status = 'receiving' and created_at < %(begun_before)s
    returning 1
)
select count(*) from expired
