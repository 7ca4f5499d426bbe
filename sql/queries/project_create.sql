-- Make a project; its id.
insert into projects (name) values (%(name)s) returning project_id
