"""Access to ClickHouse: connections, errors, migrations, generations, and how questions are asked."""
