-- Users of a project in (last_seen_at, user_id) order, the last seen first, down to a bound: those whose id begins with a
-- text, or with a trait that has it in it, in whatever case.
select user_id, first_seen_at, last_seen_at, traits
from users
where project_id = %(project_id)s
  and (%(behind_at)s::timestamptz is null or (last_seen_at, user_id) < (%(behind_at)s, %(behind_id)s))
  and (%(until_at)s::timestamptz is null or (last_seen_at, user_id) >= (%(until_at)s, %(until_id)s))
  and (%(text)s::text is null or starts_with(user_id, %(text)s)
       or exists (select from jsonb_each_text(traits) as trait where strpos(lower(trait.value), lower(%(text)s)) > 0))
order by last_seen_at desc, user_id desc
limit %(limit)s
