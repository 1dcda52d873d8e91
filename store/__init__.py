"""ClickHouse, reached one way."""
