-- Events in whole days, of some types or of all; with a page: views of that page, or of pages that begin so.
select coalesce(sum(events), 0)::bigint
from (
    select events
    from events_by_day
    where %(page_url)s::text is null and %(page_prefix)s::text is null
      and project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
      and (%(event_types)s::text[] is null or event_type = any (%(event_types)s))
    union all
    select views
    from pages_by_day
    where (%(page_url)s::text is not null or %(page_prefix)s::text is not null)
      and project_id = %(project_id)s and bucket >= %(since)s and bucket < %(until)s
      and (%(page_url)s is null or page_url = %(page_url)s)
      and (%(page_prefix)s is null or starts_with(page_url, %(page_prefix)s))
) as counted
