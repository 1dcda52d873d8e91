"""Parse a request as ClickHouse's HTTP interface does: sort parameters into query, values, settings and the rest."""

import re
import uuid
from collections.abc import Iterable, Mapping, Set
from urllib.parse import parse_qsl

import msgspec

from devstack.store_server.errors import Code, StoreError

# The bounds of a ClickHouse server before it looks at a user: the defaults of `http_max_uri_size` and
# `http_max_field…`. No request can raise them: they hold before its settings do.
URL_BYTES_MAX = 1024 * 1024
LINE_BYTES_MAX = URL_BYTES_MAX + 1024  # with the method before the URL, and the version of HTTP after it
PROXY_LINE_BYTES_MAX = 8 * 1024  # nginx, `large_client_header_buffers`: the whole line with the URL in it
FIELDS_MAX = 1_000
FIELD_NAME_BYTES_MAX = 4 * 1024
FIELD_VALUE_BYTES_MAX = 128 * 1024

# Parameters of the transport that are settings to a real server, so it refuses them from a user who may set none.
_OF_TRANSPORT = frozenset(
    "send_progress_in_http_headers http_headers_progress_interval_ms enable_http_compression log_comment "
    "add_http_cors_header cancel_http_readonly_queries_on_client_close http_write_exception_in_output_format".split()
)
# All parameters of the transport: the engine would refuse them. `log_comment` marks the queries of a connection.
_OURS = _OF_TRANSPORT | frozenset(
    "user password query database default_format query_id session_id session_timeout session_check quota_key role "
    "compress decompress buffer_size wait_end_of_query client_protocol_version close_session".split()
)
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_BOUNDARY = re.compile(r'multipart/form-data.*?;\s*boundary="?([^";]+)"?', re.IGNORECASE)
_FIELD_NAME = re.compile(rb'^content-disposition:.*?\bname="([^"]*)"', re.IGNORECASE | re.MULTILINE)


class Request(msgspec.Struct, frozen=True):
    """A request without the SQL in its body. `values` are escaped as ClickHouse expects: \\n, \\t, \\\\."""

    query: bytes
    values: dict[str, str]
    settings: tuple[tuple[str, str], ...]
    of_transport: tuple[tuple[str, str], ...]
    database: str
    default_format: str
    query_id: str
    wait_for_end: bool


def parse_params(query_string: str) -> dict[str, str]:
    """Return the parameters of a URL; bytes that aren't UTF-8 survive as lone surrogates.

    Raises StoreError for too many, and for one that is too long as it was sent, percent signs included.
    """
    pairs = (pair.partition("=") for pair in query_string.split("&"))
    _check_fields((len(name), len(value)) for name, _, value in pairs)
    return dict(parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape"))


def parse_request(params: Mapping[str, str], headers: Mapping[str, str]) -> Request:
    """Sort parameters by their purpose. Raises StoreError for one that cannot be the name of a setting."""
    return Request(
        query=params.get("query", "").encode("utf-8", "surrogateescape"),
        values={name[6:]: _escape(value) for name, value in params.items() if name.startswith("param_")},
        settings=_settings(params, params.keys() - _OURS),
        of_transport=_settings(params, params.keys() & _OF_TRANSPORT),
        database=params.get("database") or headers.get("X-ClickHouse-Database", ""),
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format", "") or "TabSeparated",
        query_id=params.get("query_id") or str(uuid.uuid4()),
        wait_for_end=params.get("wait_end_of_query") in ("1", "true"),
    )


def form_boundary(headers: Mapping[str, str]) -> bytes | None:
    """Return the boundary if the body is a form, which clients use for long bound values."""
    found = _BOUNDARY.match(headers.get("Content-Type", ""))
    return found[1].encode("latin-1") if found else None


def parse_form(body: bytes, boundary: bytes) -> dict[str, str]:
    """Return the text fields of a multipart form.

    Raises StoreError for files (external data), too many fields, a field that is too long, and a missing end.
    """
    *parts, end = (b"\r\n" + body).split(b"\r\n--" + boundary)[1:] or [b""]
    if not end.startswith(b"--"):
        raise StoreError(
            Code.CANNOT_READ_ALL_DATA, "Unexpected EOF, did not find the last boundary of the multipart form"
        )
    fields = list(map(_field, parts))
    _check_fields((len(name), len(value)) for name, value in fields)
    return {_text(name): _text(value) for name, value in fields}


def _check_fields(sizes: Iterable[tuple[int, int]]) -> None:
    """Judge fields in their order, by the bytes of name and value. Raises StoreError (1000)."""
    for number, (name_bytes, value_bytes) in enumerate(sizes):
        if number == FIELDS_MAX:
            raise _refused("Too many form fields")
        if name_bytes > FIELD_NAME_BYTES_MAX:
            raise _refused("Field name too long")
        if value_bytes > FIELD_VALUE_BYTES_MAX:
            raise _refused("Field value too long")


def _refused(what: str) -> StoreError:
    text = f"Poco::Exception. Code: {Code.POCO_EXCEPTION}, e.code() = 0, HTML Form Exception: {what}"
    return StoreError(Code.POCO_EXCEPTION, text, whole=True)


def _field(part: bytes) -> tuple[bytes, bytes]:
    head, _, value = part.partition(b"\r\n\r\n")
    name = _FIELD_NAME.search(head.lstrip())
    if name is None or b"filename=" in head:
        raise StoreError(Code.NOT_IMPLEMENTED, "External data is not supported; insert it into a table first")
    return name[1], value


def _text(sent: bytes) -> str:
    return sent.decode("utf-8", "surrogateescape")


def _settings(params: Mapping[str, str], names: Set[str]) -> tuple[tuple[str, str], ...]:
    """Return settings in a fixed order, so that equal settings share pooled connections."""
    chosen = sorted((name, params[name]) for name in names if name[:6] != "param_")
    for name, value in chosen:
        if not _SETTING_NAME.fullmatch(name) or _NOT_UTF8.search(value):
            raise StoreError(Code.UNKNOWN_SETTING, "There is a parameter in the URL that cannot be a setting")
    return tuple(chosen)


def _escape(value: str) -> str:
    """Escape bytes that aren't UTF-8, as a bound value may do anyway."""
    return _NOT_UTF8.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02X}", value)
