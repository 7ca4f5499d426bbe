-- Take a named lock that ends with the connection; false when somebody else has it.
select pg_try_advisory_lock(hashtext(%(name)s))
