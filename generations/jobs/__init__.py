"""Jobs that operators order for generations: the table, the rules, the routes, and who does the work."""
