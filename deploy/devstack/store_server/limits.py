"""What a ClickHouse server bounds before it looks at a user: the URL, and each field of a URL or a form.

The numbers are the defaults of `http_max_uri_size` and `http_max_field…`. No request can lift them: they hold before
its settings do. Characters of a URL count as they are sent, with their percent signs; those of a form as they are.
"""

from collections.abc import Iterable

from deploy.devstack.store_server.errors import POCO_EXCEPTION, StoreError

URL_BYTES_MAX = 1024 * 1024
LINE_BYTES_MAX = URL_BYTES_MAX + 1024  # with the method before the URL, and the version of HTTP after it
PROXY_LINE_BYTES_MAX = 8 * 1024  # nginx, `large_client_header_buffers`: the whole line with the URL in it
FIELDS_MAX = 1_000
FIELD_NAME_BYTES_MAX = 4 * 1024
FIELD_VALUE_BYTES_MAX = 128 * 1024


def check_query_string(query_string: str) -> None:
    """Raises StoreError (1000) for what the real server refuses in the query part of a URL."""
    pairs = (pair.partition("=") for pair in query_string.split("&"))
    check_fields((len(name), len(value)) for name, _, value in pairs)


def check_fields(sizes: Iterable[tuple[int, int]]) -> None:
    """Judge fields in their order, by the bytes of name and value. Raises StoreError (1000)."""
    for number, (name_bytes, value_bytes) in enumerate(sizes):
        if number == FIELDS_MAX:
            raise _refused("Too many form fields")
        if name_bytes > FIELD_NAME_BYTES_MAX:
            raise _refused("Field name too long")
        if value_bytes > FIELD_VALUE_BYTES_MAX:
            raise _refused("Field value too long")


def _refused(what: str) -> StoreError:
    return StoreError(
        POCO_EXCEPTION, f"Poco::Exception. Code: {POCO_EXCEPTION}, e.code() = 0, HTML Form Exception: {what}"
    )
