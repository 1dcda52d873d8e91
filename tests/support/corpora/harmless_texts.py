"""A thousand texts without a secret, as coding agents see them; redaction must not change any of them.

They are forty-line pieces of Python's own source, and templates filled with random numbers and names.
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits, hexdigits
from uuid import UUID

_MODULES = """
    getpass netrc urllib.request urllib.parse urllib.error imaplib smtplib poplib ftplib http.cookies http.client
    http.server http.cookiejar ssl secrets hmac hashlib base64 uuid configparser argparse tokenize token shlex
    subprocess xmlrpc.client asyncio.sslproto asyncio.base_events socketserver email.message logging.config
    logging.handlers json.decoder webbrowser mailbox zipfile plistlib optparse tempfile sqlite3 wsgiref.handlers
    gettext locale inspect typing pathlib string dataclasses traceback
""".split()
_LINES = 40
_random = Random(9)
_NAMES = "order cart invoice session user account payment report worker parser router widget ledger mailer".split()


def _hex(length: int) -> str:
    return "".join(_random.choices(hexdigits.lower()[:16], k=length))


def _base64(length: int) -> str:
    return "".join(_random.choices(ascii_lowercase + ascii_uppercase + digits + "+/", k=length))


_FILLS: dict[str, Callable[[], str]] = {
    "{sha}": lambda: _hex(40),
    "{short}": lambda: _hex(7),
    "{sha256}": lambda: _hex(64),
    "{uuid}": lambda: str(UUID(int=_random.getrandbits(128), version=4)),
    "{b64}": lambda: _base64(86),
    "{png}": lambda: _base64(200),
    "{n}": lambda: str(_random.randint(1, 9999)),
    "{port}": lambda: str(_random.randint(1024, 65535)),
    "{name}": lambda: _random.choice(_NAMES),
    "{Name}": lambda: _random.choice(_NAMES).title(),
    "{v}": lambda: f"{_random.randint(0, 9)}.{_random.randint(0, 30)}.{_random.randint(0, 9)}",
    "{letter}": lambda: _random.choice(ascii_lowercase),
}

_TEXTS = (Path(__file__).parent / "harmless_texts.txt").read_text(encoding="utf-8").strip().split("\n\n")


def harmless_texts() -> list[str]:
    """Return source of Python first, then each generated text ten times."""
    return [*_source(), *(_filled(text) for text in _TEXTS for _ in range(10))]


def _source() -> Iterator[str]:
    for name in _MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        lines = Path(spec.origin).read_text(encoding="utf-8").splitlines()
        yield from ("\n".join(lines[first : first + _LINES]) for first in range(0, len(lines), _LINES))


def _filled(text: str) -> str:
    for mark, make in _FILLS.items():
        while mark in text:
            text = text.replace(mark, make(), 1)
    return text
