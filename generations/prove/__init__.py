"""The proof that one generation of the derived tables equals another one, and that each agrees with itself.

Read `prove` first: its docstring has the steps. Questions read a `pair` of generations in `ranges` of `tables`. `rows`
and `compare` find rows that differ between the two; `positions`, `blocks` and `recount` find contradictions inside one.
Each returns what it `found`; `counts` adds it up to a `proof`, and `words` describes that to people.
"""
