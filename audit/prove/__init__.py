"""The proof that one generation of the derived tables equals another one and its own log, range by range.

`prove` runs it; `ranges` cuts the tables; `compare` and `confirm` find what differs; `receipts` checks a generation
against itself; `tally` counts; `proof` is the result, `words` its text for people.
"""
