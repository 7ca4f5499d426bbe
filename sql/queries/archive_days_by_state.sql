-- How many days are in each state.
select state, count(*) from archived_days group by state
