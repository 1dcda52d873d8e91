"""The proof that one generation of the derived tables equals another one, and agrees with itself, range by range.

`prove` runs it; `ranges` cuts the tables; `between` compares the generations with `compare`; `inside`, `places` and
`recounts` check each against itself; `tally` counts; `proof` is the result, `words` its text for people.
"""
