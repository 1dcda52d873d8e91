"""One file a route. Each takes a body, makes facts of it, appends them, and answers."""
