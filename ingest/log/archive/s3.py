"""Opens the bucket of an address. Credentials, region and endpoint come from the variables of the AWS tools."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from obstore.store import S3Store

from ingest.log.archive.bucket import Bucket
from ingest.log.archive.refusals import Refused

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/\w[\w.-]*)*)/?", re.ASCII)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
REQUEST_S = 300  # a segment of 64 MiB, at 2 Mbit/s
RETRY_S = 60


def open_bucket(address: str, environ: Mapping[str, str]) -> Bucket:
    """Open ``s3://bucket/prefix``; no request is sent. Raises `Refused` for anything else."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise Refused("an address is s3://bucket/prefix, with letters, digits, dots, hyphens and underscores")
    store = S3Store(
        match[1],
        prefix=match[2].strip("/") or None,
        client_options={"allow_http": _allows_http(environ), "timeout": timedelta(seconds=REQUEST_S)},
        retry_config={"retry_timeout": timedelta(seconds=RETRY_S)},
    )
    return Bucket(store, address.rstrip("/"))


def _allows_http(environ: Mapping[str, str]) -> bool:
    """Return whether the endpoint is http. Raises `Refused` if records would leave the machine unencrypted."""
    for variable in _ENDPOINTS:
        endpoint = urlsplit(environ.get(variable, ""))
        if endpoint.scheme != "http":
            continue
        is_allowed = environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
        if not is_allowed and not _is_loopback(endpoint.hostname or ""):
            raise Refused(f"{variable} is http, which encrypts nothing: use https, or set AWS_ALLOW_HTTP=true")
        return True
    return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
