-- Page views per hour and URL: top pages of days. A page view is an event of type view or page_view with a page_url.
-- Kept exact as events_by_minute is.
create table pages_by_hour (
    project_id integer not null,
    bucket     timestamptz not null,
    page_url   text not null,
    views      bigint not null,
    primary key (project_id, bucket, page_url)
) with (fillfactor = 50);

create function count_pages_by_hour() returns trigger language plpgsql as $$
begin
    insert into pages_by_hour as counted (project_id, bucket, page_url, views)
    select project_id, time_bucket('1 hour', ts) as bucket, page_url, count(*)
    from new_events
    where event_type in ('view', 'page_view') and page_url is not null
    group by project_id, bucket, page_url
    order by project_id, bucket, page_url
    on conflict (project_id, bucket, page_url)
        do update set views = counted.views + excluded.views;
    return null;
end;
$$;

create trigger count_2_pages_by_hour after insert on events
referencing new table as new_events for each statement execute function count_pages_by_hour();
