"""The OpenAPI document, and the page that shows it.

Litestar knows the routes, and msgspec writes the schema of each type: its JSON Schema is the dialect of OpenAPI 3.1.
Litestar's own generator does not use it. It loses what a field inside ``| None`` says, schemas of raw JSON and unknown
fields that are refused, and it can't share errors, headers and examples. So this package combines the two.
"""
