"""The store server: ClickHouse's HTTP protocol in front of chDB, so that several processes share one store."""
