-- Takes the dead letters that somebody wants sent again out of the table.
delete from dead_letters where send_asked_at is not null returning queue, actor, arguments
