"""Access to ClickHouse: clients, errors, migrations, generations and requests."""
