-- What each role may do: this list and nothing else. Grants what is missing of it; keeps temporary tables from all of them.
do $$
declare
    item record;
begin
    for item in
        select role, privilege, relation, columns
        from (values
            -- relation, collector, workers (of these columns only), grafana (its columns; all: every one)
            ('installation',      'select',                      'select',               null),
            ('projects',          'select insert update',        'select',               '{project_id, name, paused, created_at}'),
            ('write_keys',        'select insert update delete', 'select',               null),
            ('webhook_sources',   'select insert update delete', 'select',               null),
            ('event_types',       'select insert update delete', 'select',               null),
            ('visitor_salts',     'select insert',               'select insert delete', null),
            ('events',            'select insert',               'select insert',        'all'),
            ('event_ledger',      'select insert',               'select insert',        null),
            ('event_ledger_state','select',                      'select',               null),
            ('sessions',          'select insert update',        'select insert update', 'all'),
            ('users',             'select insert update',        'select insert update', '{project_id, user_id, first_seen_at, last_seen_at}'),
            ('user_aliases',      'select insert',               'select insert',        null),
            ('groups',            'select insert update',        'select insert update', null),
            ('rejected_events',   'select insert update delete', 'select insert delete', '{project_id, received_at, source, reason}'),
            -- Written by triggers, as whoever stores events; on timescaledb they are views and only read.
            ('events_by_minute',  'select insert update',        'select insert update', 'all'),
            ('events_by_hour',    'select insert update',        'select insert update', 'all'),
            ('events_by_day',     'select insert update',        'select insert update', 'all'),
            ('pages_by_minute',   'select insert update',        'select insert update', 'all'),
            ('pages_by_hour',     'select insert update',        'select insert update', 'all'),
            ('pages_by_day',      'select insert update',        'select insert update', 'all'),
            ('users_by_hour',     'select insert update',        'select insert update', 'all'),
            ('users_by_day',      'select',                      null,                   'all'),
            ('imports',           'select insert update delete', 'select update delete',
                -- Not import_id: who knows it may look at the import.
                '{project_id, status, event_type, created_at, started_at, finished_at, worked_at, attempts,
                  file_bytes, bytes_read, lines_read, rows_read, stored, duplicates, rejected, rejects_bytes}'),
            ('property_indexes',  'select insert update',        'select update delete', null),
            ('alert_history',     'select insert update',        'select delete',        'all'),
            ('accounts',          'select insert update delete', 'select(account_id,email,name,disabled,created_at)', null),
            ('account_roles',     'select insert update delete', 'select',               null),
            ('login_sessions',    'select insert update',        null,                   null),
            ('api_tokens',        'select insert update delete', null,                   null),
            ('audit_log',         'select insert',               null,                   null),
            ('job_schedule',      'select',                      'select insert update delete', null),
            ('job_runs',          'select',                      'select insert update delete', null),
            ('dead_letters',      'select update delete',        'select insert update delete', null),
            ('reports',           'select insert update delete', 'select',               null),
            ('report_schedules',  'select insert update delete', 'select update',        null),
            ('archived_days',     'select',                      'select insert update', null),
            ('report_runs',       'select',                      'select insert update', null),
            ('exports',           'select insert update delete', 'select insert update delete', null),
            ('watches',           'select insert update delete', 'select',               null),
            ('watch_states',      'select insert update',        'select update',        null),
            ('watch_history',     'select update',               'select insert update delete', null),
            ('current_watches',   'select',                      'select',               null),
            ('notifications',     'select insert',               'select insert update delete', null),
            ('notification_recipients', 'select insert update',  'select insert',        null),
            ('devices',           'select insert update delete', 'select update delete', null),
            ('notification_preferences', 'select insert delete', 'select',               null),
            ('quiet_hours',       'select insert update delete', 'select',               null),
            ('deliveries',        'select insert',               'select insert update', null),
            ('delivery_attempts', 'select',                      'select insert update', null),
            ('storage_sizes',       null,                        null,                   'all'),
            ('aggregate_freshness', null,                        null,                   'all'),
            ('connection_counts',   null,                        null,                   'all'),
            ('slow_statements',     null,                        null,                   'all')
        ) as allowed (relation, collector, workers, grafana)
        cross join lateral (
            select 'beatline_collector', unnest(string_to_array(collector, ' ')), 'all'
            union all
            select 'beatline_workers', split_part(each, '(', 1),
                   coalesce(nullif('{' || rtrim(split_part(each, '(', 2), ')') || '}', '{}'), 'all')
            from unnest(string_to_array(workers, ' ')) as each
            union all
            select 'beatline_grafana', 'select', grafana where grafana is not null
        ) as granted (role, privilege, columns)
        join pg_class on pg_class.oid = relation::regclass
        where to_regrole(role) is not null
          and (privilege = 'select' or pg_class.relkind <> 'v')
          and not case
              when columns = 'all' then has_table_privilege(role, relation, privilege)
              else (select bool_and(has_column_privilege(role, relation, name, privilege))
                    from unnest(columns::text[]) as name)
          end
    loop
        execute format('grant %s %s on %I to %I', item.privilege,
                       case when item.columns <> 'all' then translate(item.columns, '{}', '()') end,
                       item.relation, item.role);
    end loop;

    -- Functions that act with the owner's rights; nobody else may call them.
    for item in
        select role, signature
        from (values
            ('beatline_collector', 'make_event_partition(timestamptz, timestamptz)'),
            ('beatline_workers',   'make_event_partition(timestamptz, timestamptz)'),
            ('beatline_workers',   'drop_event_partitions(timestamptz)'),
            ('beatline_workers',   'event_parts()'),
            ('beatline_workers',   'drop_archived_events(timestamptz, timestamptz)'),
            ('beatline_workers',   'rotate_event_ledger(timestamptz, interval)'),
            ('beatline_grafana',   'count_connections()'),
            ('beatline_grafana',   'read_slow_statements()')
        ) as callable (role, signature)
        where to_regrole(role) is not null
          and not has_function_privilege(role, to_regprocedure(signature), 'execute')
    loop
        execute format('grant execute on function %s to %I', item.signature, item.role);
    end loop;

    -- They would let whoever sees a board fill the disk. The owner keeps the right.
    if exists (select from pg_roles
               where rolname in ('beatline_collector', 'beatline_workers', 'beatline_grafana')
                 and has_database_privilege(oid, current_database(), 'temporary'))
       and (select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()) then
        execute format('revoke temporary on database %I from public', current_database());
    end if;
end;
$$
