"""A second corpus of made-up secrets, written without looking at the rules: it measures their reach.

In ``second_secrets.txt``, ``<a36>`` stands for 36 characters of the alphabet ``a``, and ``<human>`` for what `_MAKERS`
makes.
"""

from base64 import b64encode
from collections.abc import Callable
from itertools import cycle
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from uuid import UUID

from tests.support.corpora import shapes

_random = Random(2026)
_WORDS = "Winter Harbor Falcon Maple Copper Granite Lisbon Saturn Pepper Violin Kernel Bamboo".split()

_ALPHABETS = {
    "a": ascii_letters + digits,
    "b": ascii_letters + digits + "+/",
    "c": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
    "d": digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "l": ascii_lowercase + digits,
    "L": ascii_letters,
    "s": ascii_uppercase + "234567",
    "u": ascii_letters + digits + "_-",
    "t": ascii_lowercase + "234567",
    "U": ascii_uppercase + digits,
    "x": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}


def _chars(alphabet: str, length: int) -> str:
    return "".join(_random.choices(_ALPHABETS[alphabet], k=length))


def _human() -> str:
    """Return a password as users think of it: a word, a year, a sign and two letters."""
    tail = "".join(_random.choices(ascii_lowercase, k=2))
    return f"{_random.choice(_WORDS)}{_random.randint(2019, 2026)}{_random.choice('!_-+')}{tail}"


def _mixed() -> str:
    """Return a password as a password manager makes it, without special characters."""
    return _chars("L", 3) + _chars("d", 1) + _chars("a", 7) + _chars("d", 1) + _chars("L", 1)


def _strong() -> str:
    """Return a password with special characters, for texts that quote it."""
    return _chars("L", 2) + "#" + _chars("d", 1) + _chars("a", 4) + "%^" + _chars("a", 4) + "&*" + _chars("L", 1)


def _phrase() -> str:
    """Return a passphrase of three words and a number."""
    return "-".join([*_random.sample([word.lower() for word in _WORDS], 3), str(_random.randint(10, 99))])


def _word() -> str:
    """Return two words, without any digit."""
    return "".join(_random.sample(_WORDS, 2)).lower()


def _json64(text: str) -> str:
    return b64encode(text.encode()).decode().rstrip("=")


def _jwt() -> str:
    claims = _json64(f'{{"sub":"{_chars("d", 8)}","iat":1790000000}}')
    return ".".join([_json64('{"alg":"HS256","typ":"JWT"}'), claims, _chars("u", 43)])


def _bytes64(length: int) -> str:
    return b64encode(_random.randbytes(length)).decode()


_MAKERS: dict[str, Callable[[], str]] = {
    "human": _human,
    "mixed": _mixed,
    "strong": _strong,
    "phrase": _phrase,
    "word": _word,
    "jwt": _jwt,
    "uuid": lambda: str(UUID(int=_random.getrandbits(128), version=4)),
    "key16": lambda: _bytes64(16),
    "key32": lambda: _bytes64(32),
    "key64": lambda: _bytes64(64),
    "basic": lambda: b64encode(f"deploy:{_mixed()}".encode()).decode(),
}

# If a token has a distinctive format, it must be found without a name near it.
_NEUTRAL = cycle(
    """
got § from the dashboard
`§`
$ tool login §
  "value": "§",
x = Client('§')
- §
use (§) instead
args: ["run", "§"]
+    const c = connect("§");
The output was: §.
<code>§</code>
[warn] rejected § after 3 tries
""".strip().splitlines()
)


def _made(name: str) -> str:
    if name.startswith("luhn:"):
        return shapes.card(name.removeprefix("luhn:"), lambda count: _chars("d", count))
    return _MAKERS[name]() if name in _MAKERS else _chars(name[0], int(name[1:]))


_LINES = (shapes.FOLDER / "second_secrets.txt").read_text("utf-8")
SECOND_SECRETS = tuple(shapes.secrets(_LINES, _made, lambda: next(_NEUTRAL)))
