-- Records an attempt, before the provider is called.
insert into delivery_attempts (delivery_id, attempt, attempted_at) values (%(delivery_id)s, %(attempt)s, %(now)s)
