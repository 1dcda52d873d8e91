"""The tables: one row struct a table, and the numbered DDL."""
