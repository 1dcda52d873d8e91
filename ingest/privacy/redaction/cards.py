"""Payment card numbers: with a network's prefix and length, a valid check digit, and the usual spelling.

One number in ten has a valid check digit. So digits in one run also need a word before them that names a card, or a
word after them that names its expiry or security code.

Source of prefixes and lengths: ISO/IEC 7812, and the networks' tables of issuers.
"""

import re
from functools import partial

from ingest.privacy.redaction.rule_parts import Find, matches_of

_NETWORKS = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    rb"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    rb"|220[0-4]\d{12}"  # Mir
    rb"|3[47]\d{13}"  # American Express
    rb"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    rb"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"  # Discover
    rb"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    rb"|62\d{14,17}"  # UnionPay, and Discover's
    rb"|(?:50[1-9]|5[6-8]\d|6[0-9]\d)\d{9,16}"  # Maestro
)
# A card number doesn't begin a word, path, decimal or longer number. The digit comes first: `re` finds that faster.
_ALONE = rb"(?<![\w.:/%#].)(?<!\d[ -].)(?<!\w-.)"
_ENDS = rb"(?![ .-]?\d(?!\d?/))(?![\w%-])"
_RUN = rb"(?P<secret>[2-6]" + _ALONE + rb"\d{11,18})"
_GROUPED = (
    rb"(?P<secret>[2-6]" + _ALONE + rb"\d{3}(?P<sign>[ -])"
    rb"(?:\d{4}(?P=sign)\d{4}(?P=sign)\d{4}(?:(?P=sign)\d{3})?|\d{6}(?P=sign)\d{4,5}))"
)
_NAMES = (
    rb"(?:(?:credit|debit|bank|payment)?[ _-]?card|visa|master[ _-]?card|amex|american express|diners|discover|jcb"
    rb"|union ?pay|maestro|kreditkarte|kartennummer|(?<![a-z])(?:pan|cc|cc_?num(?:ber)?)(?![a-z]{3}))"
)
_AFTER_NAME = (
    rb"(?i)(?:card|visa|amex|american express|diners|discover|jcb|union ?pay|maestro|kartennummer|pan|cc)"
    rb"[^0-9\n]*(?:[2-6][0-9]{11}|\\u)"  # an escape may have digits of its own
)
_OF_ANOTHER = rb"(?:id|ids|uid|time|timestamp|ts|order|session|board)(?![a-z])"
_EXPIRES = rb"(?:cv[cv]|\bexp(?:iry|ires)?\b|exp[_ -]?(?:month|year|date)|valid (?:thru|until|to))"


def _is_card(match: re.Match[bytes]) -> bool:
    """Return whether a network has such numbers, and the last digit is right by Luhn (ISO/IEC 7812-1, annex B)."""
    digits = match["secret"].replace(b" ", b"").replace(b"-", b"")
    if _NETWORKS.fullmatch(digits) is None:
        return False
    doubled = (sum(divmod(2 * (digit - 48), 10)) for digit in digits[-2::-2])
    return (sum(digit - 48 for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0


_numbers = partial(matches_of, takes=_is_card)
CARDS: tuple[tuple[bytes, Find], ...] = (
    (rb"[2-6][0-9]{3}[ -][0-9]{4}[0-9 -]{7}", _numbers(_GROUPED + _ENDS)),
    (_AFTER_NAME, _numbers(rb"(?i)" + _NAMES + rb"(?:(?!" + _OF_ANOTHER + rb")[^\d\n]){0,32}?" + _RUN + _ENDS)),
    (
        rb"(?i)" + _EXPIRES,
        _numbers(_RUN + rb"(?![\w%-])(?i:[^\d\n]{0,16}" + _EXPIRES + rb")"),
    ),
)
