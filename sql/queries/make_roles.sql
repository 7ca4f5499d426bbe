-- Makes the roles of collector, workers and Grafana that the server has not: for all its databases, without a login.
do $$
begin
    if to_regrole('beatline_collector') is null then
        create role beatline_collector nologin;
    end if;
    if to_regrole('beatline_workers') is null then
        create role beatline_workers nologin;
    end if;
    if to_regrole('beatline_grafana') is null then
        create role beatline_grafana nologin connection limit 20;
        alter role beatline_grafana set default_transaction_read_only = on;
        alter role beatline_grafana set statement_timeout = '15s';
        alter role beatline_grafana set idle_in_transaction_session_timeout = '60s';
        alter role beatline_grafana set timezone = 'UTC';
    end if;
end;
$$
