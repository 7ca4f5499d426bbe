-- Every watch that is enabled, with its state and the episode that lasts.
select * from current_watches where enabled
