-- Notes that it was told of an episode.
update watch_history set notified = true where episode_id = %(episode_id)s
