-- Note a new episode of an alert; its id.
insert into alert_history (org_id, fingerprint, starts_at, resolved_at, labels, rule_uid, receiver, annotations,
                           "values", links, first_received_at, last_received_at)
values (%(org_id)s, %(fingerprint)s, %(starts_at)s, %(resolved_at)s, %(labels)s, %(rule_uid)s, %(receiver)s,
        %(annotations)s, %(values)s, %(links)s, %(now)s, %(now)s)
returning alert_id
