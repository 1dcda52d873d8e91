"""The contract between the services: ids, facts, HTTP bodies, rows, money. msgspec and the standard library only."""
