-- Every import there is.
select import_id from imports
