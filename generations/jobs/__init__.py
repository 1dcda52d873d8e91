"""Jobs that operators request: the table, the rules, the routes, and who does the work."""
