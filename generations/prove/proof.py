"""The result of a proof, as it is stored and served."""

from msgspec import UNSET, Struct, UnsetType

Value = int | bool | str | None


class Difference(Struct, frozen=True, kw_only=True):
    """One column of one row that differs; the column ``rows`` is the number of rows with that key.

    Between two generations the values are ``live`` and ``proved``. Inside one ``generation`` they are ``stored`` and
    ``recounted``.
    """

    table: str
    key: dict[str, str | None]
    day: str | None
    column: str
    live: Value | UnsetType = UNSET
    proved: Value | UnsetType = UNSET
    generation: str | UnsetType = UNSET
    stored: Value | UnsetType = UNSET
    recounted: Value | UnsetType = UNSET


class ColumnCount(Struct, frozen=True):
    """In how many rows of how many orgs a column differs: between the generations, or inside the one that is named."""

    table: str
    column: str
    rows: int
    orgs: int
    generation: str | None = None


class DayCount(Struct, frozen=True):
    """How many rows of an org and a day differ; ``None`` where a row has no org, or no day."""

    table: str
    org_id: str | None
    day: str | None
    rows: int


class Proof(Struct, frozen=True):
    """Whether two generations are equal up to ``pins`` (by partition, the offset below which both are compared).

    ``compared`` counts rows by table, and ``fact_bytes``; ``moving`` counts rows that were being written at each
    reading, so that they could not be compared. At most 1,000 differences are listed, and 10,000 days; ``truncated``:
    there are more. The counts are of all, except that a recount inside a generation counts what it lists.
    """

    equal: bool
    generation: str
    compared_with: str
    pins: list[int]
    compared: dict[str, int]
    moving: dict[str, int]
    differences: list[Difference]
    by_column: list[ColumnCount]
    by_day: list[DayCount]
    truncated: bool
