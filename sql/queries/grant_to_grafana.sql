-- What the role of Grafana may read: this list and nothing else. Grants what is missing of it; keeps temporary tables from it.
do $$
declare
    item record;
begin
    for item in
        select relation, columns
        from (values
            ('events', null),
            ('sessions', null),
            ('events_by_minute', null), ('events_by_hour', null), ('events_by_day', null),
            ('pages_by_minute', null), ('pages_by_hour', null), ('pages_by_day', null),
            ('users_by_hour', null), ('users_by_day', null),
            ('storage_sizes', null),
            ('aggregate_freshness', null),
            ('connection_counts', null),
            ('slow_statements', null),
            ('alert_history', null),
            ('projects', '{project_id, name, paused, created_at}'),
            ('users', '{project_id, user_id, first_seen_at, last_seen_at}'),
            ('rejected_events', '{project_id, received_at, source, reason}'),
            -- Not import_id: who knows it may look at the import.
            ('imports', '{project_id, status, event_type, created_at, started_at, finished_at, worked_at, attempts,
                          file_bytes, bytes_read, lines_read, rows_read, stored, duplicates, rejected, rejects_bytes}')
        ) as readable (relation, columns)
        where not case
            when columns is null then has_table_privilege('beatline_grafana', relation, 'select')
            else (select bool_and(has_column_privilege('beatline_grafana', relation, name, 'select'))
                  from unnest(columns::text[]) as name)
        end
    loop
        execute format('grant select %s on %I to beatline_grafana',
                       replace(replace(item.columns, '{', '('), '}', ')'), item.relation);
    end loop;

    -- They would let whoever sees a board fill the disk. The owner keeps the right.
    if has_database_privilege('beatline_grafana', current_database(), 'temporary')
       and (select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()) then
        execute format('revoke temporary on database %I from public', current_database());
    end if;

    grant execute on function count_connections(), read_slow_statements() to beatline_grafana;
end;
$$
