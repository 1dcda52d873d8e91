"""The web dashboard: a page, ES modules and styles, served as they are. It uses only the documented HTTP API."""
