"""Vendors' tokens: each row of the table finds its canary, ignores similar texts, and takes linear time."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from ingest.privacy.redaction.scanner import FIRST_ALONE, Scanner
from ingest.privacy.redaction.vendors import TOKENS, Token
from tests.support.corpora.canaries import CANARIES
from tests.support.processor_time import grows_linearly, in_counts, search_s

NEAR_MISSES = (Path(__file__).parent / "redaction_near_misses.txt").read_text().splitlines()
SMALL, LARGE = 100_000, 400_000  # bytes
WORTH_COMPARING_S = 0.02
COUNTS_MAX = 28  # about 0.4 s of an idle machine
each_row = pytest.mark.parametrize("row", TOKENS, ids=lambda row: f"{row.rule}-{row.words[:12]}")


def found(row: Token, text: str) -> list[str]:
    """Return what this row's exact rule would cut by itself."""
    encoded = text.encode()
    return [encoded[begin:end].decode() for begin, end in row.find(encoded)]


@cache
def secrets_of(row: Token) -> list[str]:
    """Return the canaries that this row finds completely by itself."""
    return [
        canary.secret for canary in CANARIES if canary.rule == row.rule and canary.secret in found(row, canary.written)
    ]


@each_row
def test_each_row_has_a_canary_that_it_cuts_as_a_whole(row: Token) -> None:
    """No part of it stays, and no other row is needed."""
    assert secrets_of(row)


@each_row
def test_each_row_has_a_near_miss(row: Token) -> None:
    """It is one of the row's words before other text; another test checks that near misses stay."""
    assert any(word in line for word in row.words.split() for line in NEAR_MISSES if not line.startswith("#"))


@pytest.mark.parametrize("row", [row for row in TOKENS if row.weak], ids=lambda row: f"{row.rule}-{row.words[:12]}")
def test_a_weak_word_needs_an_exact_length_and_space_around(row: Token) -> None:
    """Everyday identifiers begin like these tokens, and base64 and longer names contain them."""
    for secret in secrets_of(row):
        too_long, too_short = (
            secret + "a" * (1 + (row.most or 0) - row.least),
            secret[: -1 - (row.most or 0) + row.least],
        )
        assert found(row, f"see {secret}, there") == [secret]
        for text in (f"x{secret}", f"_{secret}", f"/{secret}", too_long, too_short):
            assert found(row, text) == [] or row.least != row.most


@pytest.mark.parametrize("row", [row for row in TOKENS if row.weak], ids=lambda row: f"{row.rule}-{row.words[:12]}")
def test_a_weak_word_needs_digits_and_letters_behind_it(row: Token) -> None:
    """Identifiers are words of the right length, but have only one kind of characters."""
    for word in row.words.split():
        assert found(row, word + "a" * row.least) == found(row, word + "a_" * (row.least // 2)) == []


@each_row
def test_colours_of_a_terminal_hide_no_token(row: Token) -> None:
    """Colour codes end with a letter, as `ls`, `grep` and others write them, raw or with the escape spelled in JSON."""
    for secret in secrets_of(row) if not row.context else ():
        for before, behind in (
            ("\x1b[32m", "\x1b[0m"),
            ("\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"),
            ("\\u001b[1m", "\\u001b[m"),
        ):
            assert found(row, f"x{before}{secret}{behind}y") == [secret]


@each_row
def test_detection_knows_each_canary_of_its_row_by_itself(row: Token) -> None:
    """It finds every spelling of slashes, in JSON and in JSON inside JSON."""
    for secret in secrets_of(row):
        written = next(canary.written for canary in CANARIES if canary.secret == secret)
        for slash in ("/", "\\/", "\\\\\\/"):
            assert Scanner([row.detect], FIRST_ALONE).scan(written.replace("/", slash).encode())


def hostile(row: Token, size: int) -> Iterator[bytes]:
    """Return texts made to slow down a row: its word and canary, whole or cut, repeated, and endless runs."""
    word = row.words.split()[0].encode()
    secret = secrets_of(row)[0].encode()
    for piece in (word, secret, secret[:-1], b" " + word, b"aB3" * 30 + word):
        yield (piece * (size // len(piece) + 1))[:size]
    for run in (b"a", b"aB3", b"M", b"/"):
        yield word + (run * size)[:size]


@pytest.mark.slow
@each_row
def test_each_row_takes_linear_time(row: Token) -> None:
    """400 KB cost less than 28 counts, and not much more than four times a quarter of it."""
    find = row.find
    for small, large in zip(hostile(row, SMALL), hostile(row, LARGE), strict=True):
        if search_s(find, large) > WORTH_COMPARING_S:
            assert grows_linearly(partial(search_s, find, small), partial(search_s, find, large)), large[:60]
            assert in_counts(partial(search_s, find, large), COUNTS_MAX) < COUNTS_MAX, large[:60]
