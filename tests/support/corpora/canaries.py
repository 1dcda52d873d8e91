"""Made-up secrets, at least one for each redaction rule, each in a text as users and tools write it.

They are lines in ``canaries.txt``; only keys that take several lines are assembled here.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple

from tests.support.corpora import shapes

_BASE = "C4naryQz7Xw9Lk2Pv5Bt8Rd3Hm6Jf1Ng0Ys"
_TEXT = "see § there"


class Canary(NamedTuple):
    """A secret, the rule that finds it, and a text around it; ``§`` marks its place."""

    rule: str
    secret: str
    text: str = _TEXT

    @property
    def written(self) -> str:
        """Return the text with the secret in it."""
        return self.text.replace("§", self.secret)


def fill(count: int, salt: str = "") -> str:
    """Return letters and digits, always the same ones."""
    return ((salt + _BASE) * (count // len(_BASE) + 1))[:count]


def _hexadecimal(count: int) -> str:
    return ("c4a9e7" * count)[:count]


def _uuid() -> str:
    digits = _hexadecimal(32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


_MAKERS: dict[str, Callable[[int], str]] = {
    "f": fill,
    "U": lambda count: fill(count).upper(),
    "l": lambda count: fill(count).lower(),
    "h": _hexadecimal,
    "H": lambda count: _hexadecimal(count).upper(),
}


def _made(name: str) -> str:
    """Return what a pattern of the file stands for: ``f36`` are 36 characters of `_MAKERS`."""
    if name.startswith("luhn:"):
        return shapes.card(name.removeprefix("luhn:"), lambda count: ("9263518407" * 2)[:count])
    if name == "uuid":
        return _uuid()
    return b64encode(b"canary:swordfish").decode() if name == "basic" else _MAKERS[name[0]](int(name[1:]))


def _pem(kind: str, newline: str = "\n") -> str:
    lines = [f"-----BEGIN {kind}-----", *(fill(64, str(n)) for n in range(3)), f"-----END {kind}-----"]
    return newline.join(lines)


def _base64_of(text: str, before: int = 0) -> str:
    """Encode a PEM in base64 with this many bytes before it, and return it from where the PEM begins."""
    return b64encode(b"#" * before + text.encode()).decode()[4 if before else 0 :]


_PUTTY = "\n".join(
    ["Private-Lines: 3", *(fill(64, str(n)) for n in range(3)), "Private-MAC: " + _hexadecimal(64)],
)
_PRIVATE_KEYS = (
    (_pem("RSA PRIVATE KEY"), _TEXT),
    (_pem("OPENSSH PRIVATE KEY"), "cat id_ed25519\n§\n$"),
    (_pem("PRIVATE KEY", "\\n"), 'key = "§"'),
    (_pem("ENCRYPTED PRIVATE KEY").rpartition("\n")[0], "§\n[3 lines left out]"),
    (_pem("EC PRIVATE KEY").partition("\n")[2], "… §"),
    (_pem("PGP PRIVATE KEY BLOCK"), _TEXT),
    (_pem("PRIVATE KEY", "\\\\n"), "KEY='§'"),
    (_pem("RSA PRIVATE KEY", " "), "KEY=§"),
    (_pem("EC PRIVATE KEY", "\n    "), "tls.key: |\n    §\nnext: 1"),
    (_pem("PRIVATE KEY", "\\n\\\n  "), "key=§"),
    (_pem("PRIVATE KEY", '\\n" +\n    "'), 'String key = "§";'),
    (_pem("SSH2 ENCRYPTED PRIVATE KEY").replace("-----", " ---- ").strip(), _TEXT),
    (_PUTTY, "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n§\n"),
    (_base64_of(_pem("RSA PRIVATE KEY")), "client-key-data: §"),
    (_base64_of(_pem("OPENSSH PRIVATE KEY"), 1), "data §"),
    (_base64_of(_pem("EC PRIVATE KEY"), 2), "data §"),
)
_LINES = (shapes.FOLDER / "canaries.txt").read_text("utf-8")

CANARIES: tuple[Canary, ...] = (
    *(Canary(*secret) for secret in shapes.secrets(_LINES, _made, lambda: _TEXT)),
    Canary("aws_secret_key", f"wJ+a/{fill(35)}", f"AKIA{fill(16).upper()},§"),
    *(Canary("private_key", key, text) for key, text in _PRIVATE_KEYS),
)
