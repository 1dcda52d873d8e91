"""The tables: one row struct per table, and the numbered DDL."""
