"""Remote URLs: the slug is found in every spelling, and credentials are removed."""

import pytest

from ingest.intake.sessions.remote_url import clean_remote

SPELLINGS = [
    ("git@github.com:acme/backend", "git@github.com:acme/backend", "acme/backend"),
    ("git@github.com:acme/backend.git", "git@github.com:acme/backend.git", "acme/backend"),
    ("github.com:acme/backend.git", "github.com:acme/backend.git", "acme/backend"),
    ("https://github.com/acme/backend", "https://github.com/acme/backend", "acme/backend"),
    ("https://github.com/acme/backend.git/", "https://github.com/acme/backend.git/", "acme/backend"),
    ("HTTPS://github.com/acme/backend.git", "HTTPS://github.com/acme/backend.git", "acme/backend"),
    ("ssh://git@github.com:22/acme/backend.git", "ssh://git@github.com:22/acme/backend.git", "acme/backend"),
    ("git+ssh://git@host/acme/backend", "git+ssh://git@host/acme/backend", "acme/backend"),
    ("git://host/acme/backend.git", "git://host/acme/backend.git", "acme/backend"),
    ("https://gitlab.com/group/sub/project.git", "https://gitlab.com/group/sub/project.git", "group/sub/project"),
    (" https://github.com/acme/backend ", "https://github.com/acme/backend", "acme/backend"),
    ("https://host/acme/back.end", "https://host/acme/back.end", "acme/back.end"),
    ("/srv/git/backend.git", "/srv/git/backend.git", None),
    ("file:///srv/git/backend.git", "file:///srv/git/backend.git", None),
    ("C:\\work\\backend", "C:\\work\\backend", None),
    ("https://github.com", "https://github.com", None),
    ("nothing of the kind", "nothing of the kind", None),
]
SECRET = [
    ("https://alice:SECRET@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://SECRET@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://SECRET:x-oauth-basic@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://alice:SEC@RET@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://alice:SEC/RET@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://alice:SEC#RET@github.com/acme/backend", "https://github.com/acme/backend"),
    ("https://github.com/acme/backend?access_token=SECRET", "https://github.com/acme/backend"),
    ("https://github.com/acme/backend#SECRET", "https://github.com/acme/backend"),
    ("ssh://git:SECRET@github.com/acme/backend", "ssh://git@github.com/acme/backend"),
    ("git:SECRET@github.com:acme/backend", "git@github.com:acme/backend"),
]


@pytest.mark.parametrize(("given", "url", "repo"), SPELLINGS, ids=[spelling[0] for spelling in SPELLINGS])
def test_the_slug_of_every_spelling(given: str, url: str, repo: str | None) -> None:
    """A URL without a secret is stored unchanged."""
    assert clean_remote(given) == (url, repo)


@pytest.mark.parametrize(("given", "url"), SECRET, ids=[case[0] for case in SECRET])
def test_credentials_are_taken_out(given: str, url: str) -> None:
    """The stored URL has no part of the credentials, and the slug is still found."""
    assert clean_remote(given) == (url, "acme/backend")
