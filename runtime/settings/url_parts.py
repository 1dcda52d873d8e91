"""Parses URLs in settings strictly: no part is ignored, because it might be `secure=true`.

No message shows a user or a password.
"""

from collections.abc import Collection
from urllib.parse import SplitResult, parse_qsl, urlsplit

from runtime.settings.settings import BadSettings


def split(setting: str, url: str, example: str) -> SplitResult:
    """Return the parts of a URL. Raises `BadSettings`: the URL has a fragment, or its brackets do not match."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadSettings(f"{setting} is not a URL ({error}); use {example}") from error
    if parts.fragment or url.endswith("#"):
        raise BadSettings(f"{setting}: a fragment (#…) has no meaning; use {example}")
    return parts


def port_of(setting: str, parts: SplitResult, default: int) -> int:
    """Return the port, or the default. Raises `BadSettings`: the port is not a number from 1 to 65535."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise BadSettings(f"{setting}: the port of {parts.hostname} is not a number from 1 to 65535")
    return default if port is None else port


def query_of(setting: str, parts: SplitResult, allowed: Collection[str], example: str) -> dict[str, str]:
    """Return the query, one value for each key. Raises `BadSettings`: a key is not in ``allowed``, or occurs twice."""
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise BadSettings(f"{setting}: the query after ? must have the form key=value; use {example}") from error
    query = dict(pairs)
    if unknown := sorted(set(query) - set(allowed)):
        known = ", ".join(sorted(allowed)) or "none"
        raise BadSettings(f"{setting}: {unknown[0]!r} after ? is not known (known: {known}); use {example}")
    if len(query) < len(pairs):
        raise BadSettings(f"{setting}: a key appears twice after ?")
    return query


def refuse(setting: str, part: str, example: str) -> BadSettings:
    """Return the error about one part."""
    return BadSettings(f"{setting}: {part}; use {example}")
