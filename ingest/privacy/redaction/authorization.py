"""Credentials in an ``Authorization:`` header, as in commands, logs and recorded requests."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_placeholder, is_reference, looks_random
from ingest.privacy.redaction.spans import Span, is_marker

SCHEME = rb"(?:bearer|basic|token|apikey|bot|negotiate|digest)"
_CHARACTERS = rb"[A-Za-z0-9._~+/=:@!%^*-]"
_SHORT, _LONG = (rb"(?P<secret>" + _CHARACTERS + least + rb")" for least in (rb"{6,}+", rb"{16,}+"))
_WITH_SCHEME = re.compile(
    rb"""(?i)authorization["']?[\s:=,]{1,8}(?:\w{1,20}\()?["'`]?""" + SCHEME + rb"\s{1,8}" + _SHORT
)
_BARE = re.compile(rb"""(?i)authorization["']?\s{0,8}[:=]\s{0,8}["'`]?""" + _LONG + rb"(?![(\[])")
_SCHEME_ALONE = re.compile(rb"(?<![A-Za-z0-9])(?:Bearer|bearer)\s{1,8}" + _LONG)
_WORDS = re.compile(
    rb"(?i)(?:access|auth|id|api)?[-_]?(?:tokens?|auth\w*|credentials?|headers?|schemes?|keys?|string)\.?"
)


def authorizations(text: bytes) -> Iterator[Span]:
    """Find the credentials of Authorization headers, and bearer tokens anywhere."""
    for pattern, takes in ((_WITH_SCHEME, _is_credential), (_BARE, _is_token), (_SCHEME_ALONE, looks_random)):
        for match in pattern.finditer(text):
            secret = match["secret"]
            if takes(secret) and not is_marker(secret) and not is_placeholder(secret):
                yield match.span("secret")


def _is_token(secret: bytes) -> bool:
    return looks_random(secret) and not is_reference(secret, in_names=False)


def _is_credential(secret: bytes) -> bool:
    """Return whether a header's value is a credential: any value is, except words from texts about headers."""
    return _WORDS.fullmatch(secret) is None
