"""Requests that the store server refuses for their size, and those that it refuses on demand."""

import time
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
import pytest

from devstack.store_server.conditions import ALWAYS, HANG_UP, Refusal, Refusals
from devstack.store_server.errors import StoreError
from devstack.store_server.request import parse_form, parse_params
from ingest.log.atomic_write import write_whole

VALUE_MAX, NAME_MAX, FIELDS_MAX = 131_072, 4_096, 1_000
TOO_LONG, TOO_MANY = "HTML Form Exception: Field value too long", "HTML Form Exception: Too many form fields"


def form(**fields: str) -> bytes:
    """Return a multipart form with the boundary ``b``."""
    parts = (f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items())
    return "".join(parts).encode() + b"--b--\r\n"


def test_a_value_of_a_url_counts_as_it_is_sent() -> None:
    """128 KiB including percent signs pass, and one character more does not, although it decodes to less."""
    third = VALUE_MAX // 3
    whole = parse_params("param_a=" + quote("'" * third) + "xx")
    assert whole == {"param_a": "'" * third + "xx"}

    with pytest.raises(StoreError, match=TOO_LONG) as refused:
        parse_params("param_a=" + quote("'" * third) + "xxx")
    assert (refused.value.code, refused.value.status) == (1000, 500)


def test_a_value_of_a_form_counts_as_it_is() -> None:
    """128 KiB pass in a form, whose values need no percent signs."""
    assert parse_form(form(param_a="'" * VALUE_MAX), b"b") == {"param_a": "'" * VALUE_MAX}
    with pytest.raises(StoreError, match=TOO_LONG):
        parse_form(form(param_a="'" * (VALUE_MAX + 1)), b"b")


def test_names_and_the_number_of_fields_are_bounded() -> None:
    """A thousand fields pass in the URL, and another thousand in the form; a name has at most 4 KiB."""
    many = {f"param_{number}": "x" for number in range(FIELDS_MAX)}
    assert parse_params(urlencode(many)) == parse_form(form(**many), b"b") == many
    assert parse_params("p" * NAME_MAX + "=1")

    with pytest.raises(StoreError, match=TOO_MANY):
        parse_params(urlencode(many | {"a": "x"}))
    with pytest.raises(StoreError, match=TOO_MANY):
        parse_form(form(**many, a="x"), b"b")
    with pytest.raises(StoreError, match="Field name too long"):
        parse_params("p" * (NAME_MAX + 1) + "=1")


def test_a_form_without_its_end_is_no_form() -> None:
    """A truncated field is never taken for a complete one."""
    with pytest.raises(StoreError) as refused:
        parse_form(form(param_a="1")[:-9], b"b")

    assert refused.value.code == 33


def refusing(folder: Path, refusal: Refusal) -> Refusals:
    """Return the refusals of a file with one in it."""
    file = folder / "refusals.json"
    write_whole(file, msgspec.json.encode([refusal]).decode())
    return Refusals(file)


def test_the_nth_statement_that_matches_fails_as_often_as_it_is_to(tmp_path: Path) -> None:
    """The first of a kind passes, the second to fourth fail with the codes in turn, the fifth passes; others pass."""
    refusals = refusing(tmp_path, Refusal(codes=(241, 252), statement=r"^INSERT INTO \S*facts", nth=2, times=3))
    results = []
    for _ in range(5):
        results.append(refusals.next(b"INSERT INTO g1.facts FORMAT RowBinary", {}))
        assert refusals.next(b"INSERT INTO g1.sessions FORMAT RowBinary", {}) is None

    assert [refused and refused.code for refused in results] == [None, 241, 252, 241, None]


def test_parameters_are_looked_at_too(tmp_path: Path) -> None:
    """Both patterns must match; passwords are not searched."""
    hang_up = Refusal(codes=(HANG_UP,), statement="SELECT", parameters="^param_org=acme$", times=ALWAYS)
    refusals = refusing(tmp_path, hang_up)

    assert refusals.next(b"SELECT 1", {"param_org": "acme", "x": "1"}) is not None
    assert refusals.next(b"SELECT 1", {"param_org": "acme2"}) is None
    assert refusals.next(b"INSERT", {"param_org": "acme"}) is None
    refusals = refusing(tmp_path, Refusal(codes=(1,), parameters="secret"))
    assert refusals.next(b"SELECT 1", {"password": "secret"}) is None


def test_a_file_of_refusals_is_read_when_it_changes(tmp_path: Path) -> None:
    """The file may appear, change and disappear while the server runs; a file that cannot be read is an error."""
    file = tmp_path / "refusals.json"
    refusals = Refusals(file)
    assert refusals.next(b"SELECT 1", {}) is None

    for code in (241, 252):
        write_whole(file, msgspec.json.encode([Refusal(codes=(code,))]).decode())
        results = [refusals.next(b"SELECT 1", {}) for _ in range(2)]
        assert [refused and refused.code for refused in results] == [code, None]
        time.sleep(0.01)  # a file of equal size, written within the clock's resolution, would look the same
    file.unlink()
    assert refusals.next(b"SELECT 1", {}) is None
    write_whole(file, '[{"code": 241}]')
    with pytest.raises(msgspec.ValidationError):
        refusals.next(b"SELECT 1", {})
