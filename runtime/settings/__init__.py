"""Read the settings: environment variables, URLs, TLS, secrets."""
