-- Messages that failed for good, the latest first, from a place on.
select dead_letter_id, queue, actor, arguments, error, traceback, first_at, at, times, send_asked_at
from dead_letters
where (%(queue)s::text is null or queue = %(queue)s)
  and (%(actor)s::text is null or actor = %(actor)s)
  and (%(behind_at)s::timestamptz is null or (at, dead_letter_id) < (%(behind_at)s, %(behind_id)s::bigint))
order by at desc, dead_letter_id desc
limit %(limit)s
