"""A proof in words, for people."""

from collections.abc import Iterator

from msgspec import UNSET

from generations.prove.proof import ColumnCount, Difference, Proof

DAYS_SHOWN = 5
_NOUNS = {
    "facts": ("fact", "facts"),
    "receipts": ("receipt", "receipts"),
    "dead_letters": ("dead letter", "dead letters"),
    "sessions": ("session", "sessions"),
    "amounts": ("amount of a session by time", "amounts of sessions by time"),
    "session_states": ("session state", "session states"),
    "tasks": ("task", "tasks"),
    "compactions": ("digest", "digests"),
    "analyses": ("analysis", "analyses"),
    "rollup_quarters": ("rollup of a quarter of an hour", "rollups of quarters of an hour"),
    "rollup_days": ("daily rollup", "daily rollups"),
}
_PARTS = {
    "rollup_quarters": "totals and groups of quarters of an hour",
    "rollup_days": "totals and groups of days",
}


def in_words(proof: Proof) -> list[str]:
    """Return the report: the verdict, what was compared, then a line for each table and column that differs."""
    return [_verdict(proof), *_scope(proof), *(_of_column(proof, count) for count in proof.by_column), *_days(proof)]


def _verdict(proof: Proof) -> str:
    one, other = proof.generation, proof.compared_with
    if not any(proof.pins):
        return f"{one} can't be compared with {other} yet: no position of the log is complete in both."
    if proof.equal:
        return f"{one} agrees with itself." if one == other else f"{one} equals {other}."
    said = [f"{one} differs from {other} in {tables}" for tables in _tables(proof, None)]
    for name in dict.fromkeys((one, other)):
        said += [f"{name} contradicts itself in {tables}" for tables in _tables(proof, name)]
    return f"{'; '.join(said)}."


def _tables(proof: Proof, generation: str | None) -> list[str]:
    """Return the names of the tables that differ between the generations, or inside one, as one text, if any."""
    names = sorted({count.table for count in proof.by_column if count.generation == generation})
    return [", ".join(names)] if names else []


def _scope(proof: Proof) -> Iterator[str]:
    compared = [
        _plural(rows, _NOUNS[table]) for table, rows in proof.compared.items() if table != "fact_bytes" and rows
    ]
    yield f"Compared up to {sum(proof.pins):,} log positions: {', '.join(compared) or 'nothing'}."
    if proof.moving:
        moving = ", ".join(_plural(rows, _NOUNS[table]) for table, rows in proof.moving.items())
        yield f"Being written at each reading, and not compared: {moving}."
    if proof.truncated:
        yield f"The list of differences is cut: it has the first {len(proof.differences):,}."


def _of_column(proof: Proof, count: ColumnCount) -> str:
    inside = f"{count.generation}: " if count.generation else ""
    said = f"{inside}{_claim(count, _counted(proof, count))}"
    generation = UNSET if count.generation is None else count.generation
    place = count.table, count.column, generation
    example = next((one for one in proof.differences if (one.table, one.column, one.generation) == place), None)
    return f"{said}, for example {_example(proof, example)}." if example else f"{said}."


def _counted(proof: Proof, count: ColumnCount) -> str:
    where = f" of {_plural(count.orgs, ('org', 'orgs'))}" if count.orgs else ""
    if count.table in _PARTS:
        return f"{count.rows:,} {_PARTS[count.table]}{where}"
    compared = proof.compared.get(count.table)
    if count.column == "rows" or compared is None:
        return _plural(count.rows, _NOUNS[count.table]) + where
    return f"{count.rows:,} of {_plural(compared, _NOUNS[count.table])}{where}"


def _claim(count: ColumnCount, counted: str) -> str:
    name = f"{count.table}.{count.column}"
    if count.column == "rows":
        where = "that its recount does not have, or lacks some" if count.generation else "in only one generation"
        return f"{count.table} has rows {where}: {counted}"
    return f"{name} differs from its recount in {counted}" if count.generation else f"{name} differs in {counted}"


def _example(proof: Proof, one: Difference) -> str:
    key = ", ".join(f"{name} {value}" for name, value in one.key.items() if value)
    day = f" on {one.day}" if one.day and "bucket" not in one.key else ""
    if one.generation is UNSET:
        values = f"{proof.compared_with} has {_value(one.live)}, {proof.generation} has {_value(one.proved)}"
    else:
        values = f"stored {_value(one.stored)}, recounted {_value(one.recounted)}"
    return f"{key}{day}: {values}"


def _value(value: object) -> str:
    match value:
        case None:
            return "no value"
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:,}"
        case _:
            return f"“{value}”"


def _days(proof: Proof) -> Iterator[str]:
    most = sorted(proof.by_day, key=lambda count: -count.rows)[:DAYS_SHOWN]
    if len(proof.by_day) > 1:
        listed = "; ".join(
            f"{_plural(count.rows, _NOUNS[count.table])}{f' of {count.org_id}' if count.org_id else ''}"
            f"{f' on {count.day}' if count.day else ''}"
            for count in most
        )
        yield f"Most differences: {listed}."


def _plural(count: int, nouns: tuple[str, str]) -> str:
    return f"{count:,} {nouns[count != 1]}"
