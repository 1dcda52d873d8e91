"""The proof that one generation of the derived tables equals another one, and that each agrees with itself.

Read `prove` first: its docstring has the steps. Questions read a `pair` of generations in `ranges` of `tables`. `rows`
and `compare` find rows that differ between the two; `positions` and `recount` find contradictions inside one. What each
step finds adds up to a `proof`, and `words` describes that to people.
"""
