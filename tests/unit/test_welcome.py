"""What `up` prints once it is ready."""

from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest

from cli import sign_in
from cli.welcome import welcome
from edge.sign_in_codes import SignInCodes
from runtime.services.run_folder import write_address
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of an installation that was started once."""
    settings = Settings(data=str(tmp_path))
    make_embedded_secrets(settings.secrets_folder)
    write_address(tmp_path, "127.0.0.1", 8080)
    return settings


def test_up_prints_a_code_and_no_token(settings: Settings) -> None:
    """The code gives both tokens."""
    codes, lines = SignInCodes(), list[str]()

    welcome(settings, lines.append, codes)

    (link,) = (line.removeprefix("Open the dashboard: ") for line in lines if line.startswith("Open the dashboard: "))
    tokens = codes.use(urlsplit(link).fragment.removeprefix("code="))
    assert len(link) < 60
    assert "eyJ" not in "".join(lines)
    assert tokens is not None
    assert tokens.token.startswith("eyJ")
    assert (tokens.operator or "").startswith("eyJ")


@pytest.mark.parametrize("works", [True, False])
def test_the_printed_link_is_opened(settings: Settings, works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no browser can be opened, the last line says so and repeats the link."""
    opened, lines, is_done = list[str](), list[str](), Event()
    monkeypatch.setattr(sign_in.webbrowser, "open", lambda link: opened.append(link) or works)

    def report(line: str) -> None:
        lines.append(line)
        if "browser" in line:
            is_done.set()

    welcome(settings, report, SignInCodes(), opens=True)

    assert is_done.wait(10)
    assert [f"Open the dashboard: {link}" for link in opened] == [line for line in lines if "/#code=" in line][:1]
    assert (opened[0] in lines[-1]) == (not works)
