-- Every secret that is not forgotten, by day.
select day, salt from visitor_salts
