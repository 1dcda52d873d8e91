"""What a process is made of: settings, secrets, credentials, services."""
