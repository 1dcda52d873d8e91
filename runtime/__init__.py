"""The parts that make up a process: settings, secrets, credentials, services."""
