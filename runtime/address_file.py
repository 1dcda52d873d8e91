"""The URL of a running installation, in ``DIR/run/address.json``, so that commands find it by its data folder."""

from pathlib import Path

import msgspec
from msgspec import Struct

from kernel.atomic_write import write_whole
from runtime.private_files import private_folder


class Address(Struct, frozen=True):
    """The base URL of an installation."""

    url: str


def write_address(folder: Path, host: str, port: int) -> str:
    """Write the URL and return it. If the host means every interface, the URL names loopback."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{reachable}:{port}"
    file = folder / "run" / "address.json"
    private_folder(file.parent)
    write_whole(file, msgspec.json.encode(Address(url)).decode())
    return url


def read_address(folder: Path) -> str | None:
    """Return the URL, or None if no installation was ever started there."""
    try:
        return msgspec.json.decode((folder / "run" / "address.json").read_bytes(), type=Address).url
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
