-- Records what became of an attempt.
update delivery_attempts
set outcome = %(outcome)s, message = %(message)s, provider_id = %(provider_id)s, seconds = %(seconds)s
where delivery_id = %(delivery_id)s and attempt = %(attempt)s
