-- Text that no spreadsheet takes for a formula: with a ' in front when it begins with = + - @, a tab, a carriage return or
-- a line feed, or with the wide forms of these signs (OWASP, CSV Injection). The same as beatline.analytics.event_export.
create function spreadsheet_text(content text) returns text
language sql immutable parallel safe
return case when ascii(content) = any ('{61, 43, 45, 64, 9, 13, 10, 65309, 65291, 65293, 65312}'::integer[])
            then '''' || content else content end;
