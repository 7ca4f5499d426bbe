-- Forget the secrets of the days before one; nobody can tell afterwards who a visitor was.
delete from visitor_salts where day < %(before)s
