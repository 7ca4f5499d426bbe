-- Partitions of events: days for recent time, coarser ones for the past, so that a stray clock cannot
-- make thousands of them. At most one before 1970, one a year to five years ago, one a month to 400 days ago.
create function event_partition_bounds(ts timestamptz, today timestamptz, out lower timestamptz, out upper timestamptz)
language sql stable strict
begin atomic
    select case
               when ts < timestamptz '1970-01-01 00:00:00+00' then timestamptz '-infinity'
               else date_trunc(unit, ts, 'UTC')
           end,
           case
               when ts < timestamptz '1970-01-01 00:00:00+00' then timestamptz '1970-01-01 00:00:00+00'
               else date_trunc(unit, ts, 'UTC') + ('1 ' || unit)::interval
           end
    from (select case
                     when ts < date_trunc('year', today - interval '5 years', 'UTC') then 'year'
                     when ts < date_trunc('month', today - interval '400 days', 'UTC') then 'month'
                     else 'day'
                 end) as chosen (unit);
end;

-- The partitions there are, with their bounds.
create view event_partitions as
select partition.relname as name,
       bounds[1]::timestamptz as lower,
       bounds[2]::timestamptz as upper
from pg_inherits
join pg_class partition on partition.oid = pg_inherits.inhrelid
cross join lateral (
    select array[
        case when expression like 'FOR VALUES FROM (MINVALUE)%' then '-infinity'
             else substring(expression from 'FROM \(''([^'']+)''\)') end,
        substring(expression from 'TO \(''([^'']+)''\)')]
    from pg_get_expr(partition.relpartbound, partition.oid) as expression
) as parsed (bounds)
where pg_inherits.inhparent = 'events'::regclass;

-- Makes the partition that holds ts unless there is one; true when it made one. Time passes, and what once
-- got a day may lie in a month or a year now: the new partition is cut to the gap between its neighbours.
-- ATTACH keeps readers and writers of events going, which CREATE TABLE … PARTITION OF does not.
create function make_event_partition(ts timestamptz, today timestamptz default now()) returns boolean
language plpgsql as $$
declare
    bound record;
    partition_name text;
    from_literal text;
begin
    perform pg_advisory_xact_lock(hashtext('make_event_partition'));
    if exists (select from event_partitions p where p.lower <= ts and ts < p.upper) then
        return false;
    end if;
    select greatest(wanted.lower, (select max(p.upper) from event_partitions p where p.upper <= ts)) as lower,
           least(wanted.upper, (select min(p.lower) from event_partitions p where p.lower > ts)) as upper
    into bound
    from event_partition_bounds(ts, today) as wanted;

    if bound.lower = '-infinity' then
        partition_name := 'events_before_' || to_char(bound.upper at time zone 'UTC', 'YYYYMMDD');
        from_literal := 'minvalue';
    else
        partition_name := 'events_' || to_char(bound.lower at time zone 'UTC', 'YYYYMMDD');
        from_literal := quote_literal(bound.lower);
    end if;
    execute format('create table %I (like events including defaults including storage)', partition_name);
    execute format('alter table events attach partition %I for values from (%s) to (%L)',
                   partition_name, from_literal, bound.upper);
    return true;
end;
$$;
