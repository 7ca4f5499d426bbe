-- Events in a part of a minute, of some types or of all; with a page: of that page, or of pages that begin so.
select count(*)
from events
where project_id = %(project_id)s and ts >= %(since)s and ts < %(until)s
  and (%(event_types)s::text[] is null or event_type = any (%(event_types)s))
  and (%(page_url)s::text is null or page_url = %(page_url)s)
  and (%(page_prefix)s::text is null or starts_with(page_url, %(page_prefix)s))
