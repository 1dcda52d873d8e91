"""The web dashboard: a page, ES modules and styles, served as they are. It knows the documented HTTP API alone."""
