"""The places of exports: what every place promises, what each refuses, and how it is named."""

from collections.abc import Callable
from pathlib import Path

import obstore
import pytest
from msgspec import UNSET
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import MemoryStore
from structlog.testing import capture_logs

from ingest.log.archive.bucket import Bucket
from ingest.log.archive.bucket_errors import explained
from ingest.log.archive.folder import Folder
from ingest.log.archive.place import Place
from ingest.log.archive.places import place_at
from ingest.log.archive.refusals import Refused
from ingest.log.archive.s3 import open_bucket
from schemas.log.position import LogUnavailable

SECRET = "wJalrXUtnFEMI"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Folder(tmp_path / "export") if request.param == "folder" else Bucket(MemoryStore(), "memory")


def test_a_place_holds_what_was_written_last(place: Place) -> None:
    """Files are replaced whole, and listed with their sizes until they are removed."""
    before = place.sizes()
    with place.locked():
        place.write("a", b"one")
        place.write("a", b"three")
        place.write("b", b"")
        there = {name: (size, place.read(name).content) for name, size in place.sizes().items()}
        place.remove("a")

    assert before == {}
    assert there == {"a": (5, b"three"), "b": (0, b"")}
    assert place.sizes() == {"b": 0}
    with pytest.raises(FileNotFoundError):
        place.read("a")


def test_a_swap_replaces_the_version_that_was_read(place: Place) -> None:
    """A new file has no version before; each swap returns the version for the next one."""
    with place.locked():
        first = place.swap("a", b"one", None)
        place.swap("a", b"two", first)
        place.swap("a", b"three", place.read("a").version)

    assert place.read("a").content == b"three"


def test_two_writers_do_not_both_succeed(place: Place) -> None:
    """In a folder, the second one gets no lock. In a bucket, each has an id, and old versions are refused."""
    with place.locked() as first:
        if first is UNSET:
            with pytest.raises(Refused, match="another process"), place.locked():
                pass
            return
        with place.locked() as second:
            version = place.swap("a", b"by the first", None)
            for old in (None, '"another"'):
                with pytest.raises(Refused, match="another process exports into memory"):
                    place.swap("a", b"by the second", old)

    assert first != second
    assert place.read("a").content == b"by the first"
    assert place.swap("a", b"by the first", None) == version  # a repetition, whose first answer was lost


def test_a_bucket_that_keeps_versions_is_warned_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps what is erased; `null` is the version where versions are no longer kept."""
    for version, warnings in (("3sL4k", 1), ("null", 0), (None, 0)):
        monkeypatch.setattr(obstore, "put", lambda *_, v=version, **__: {"e_tag": '"1"', "version": v})
        bucket = Bucket(MemoryStore(), "memory")
        with capture_logs() as logged:
            bucket.swap("a", b"", None)
            bucket.swap("a", b"", '"1"')

        assert [line["event"] for line in logged] == ["bucket_keeps_old_versions"] * warnings


def test_a_store_without_etags_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would keep two writers apart."""
    monkeypatch.setattr(obstore, "put", lambda *_, **__: {"e_tag": None, "version": None})

    with pytest.raises(Refused, match="ETag"):
        Bucket(MemoryStore(), "memory").swap("a", b"", None)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (FileNotFoundError(), Refused, "no such bucket"),
        (GenericError("status code: 404 Not Found: <Code>NoSuchBucket</Code>"), Refused, "no such bucket"),
        (PermissionDeniedError("status code: 403 Forbidden"), Refused, "AWS_SECRET_ACCESS_KEY"),
        (GenericError("status code: 400 Bad Request: <Code>ExpiredToken</Code>"), Refused, "(400 ExpiredToken)"),
        (GenericError("status code: 503 Slow: <Code>SlowDown</Code>"), LogUnavailable, "(503 SlowDown)"),
        (GenericError("status code: 429 Too Many"), LogUnavailable, "(429)"),
        (GenericError("PUT http://127.0.0.1:9/b in 1s - HTTP error: error sending request"), LogUnavailable, "reached"),
        (GenericError("PUT http://169.254.169.254/latest/api/token - HTTP error"), Refused, "without credentials"),
        (GenericError("this normally indicates an incorrectly configured region"), Refused, "AWS_REGION"),
    ],
)
def test_an_error_says_what_to_do_and_quotes_no_request(error: Exception, kind: type[Exception], says: str) -> None:
    """The bucket is named. Whatever else the store answered isn't."""
    error.args = (f"{' '.join(error.args)}\n<StringToSign>{SECRET}",)
    raised = explained(error, "s3://bucket/prefix")

    assert type(raised) is kind
    assert says in str(raised)
    assert str(raised).startswith("s3://bucket/prefix ")
    assert SECRET not in str(raised)


@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "s3://my.bucket/some/log-2", "s3://bucket/prefix/"])
def test_an_address_names_a_bucket(address: str) -> None:
    assert place_at(address).name == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        f"s3://key:{SECRET}@bucket/log",
        f"s3://bucket/log?secret={SECRET}",
        f"s3://bucket/../{SECRET}",
        "s3://bucket//log",
        "s3://",
        "s3://B/log",
        "https://bucket.example.com",
    ],
)
def test_another_address_is_refused_and_not_repeated(address: str) -> None:
    """It may have a secret in it."""
    with pytest.raises(Refused, match="an address is s3://bucket/prefix") as refused:
        place_at(address)

    assert SECRET not in str(refused.value)


def test_anything_else_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(place_at(str(tmp_path)), Folder)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"])
def test_an_endpoint_beyond_loopback_is_https(variable: str) -> None:
    """Unless AWS_ALLOW_HTTP says otherwise; the name of a host isn't looked up."""
    opens: Callable[..., object] = lambda **environ: open_bucket("s3://bucket", environ)  # noqa: E731
    for allowed in ("http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000", "https://s3.example.com"):
        opens(**{variable: allowed})
    opens(**{variable: "http://s3.example.com", "AWS_ALLOW_HTTP": "true"})
    for refused in ("http://s3.example.com", "http://10.0.0.1:9000", "http://127.0.0.1.example.com"):
        with pytest.raises(Refused, match=f"{variable} is http"):
            opens(**{variable: refused})
