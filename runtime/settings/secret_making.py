"""Makes the secrets of an installation: for the embedded default and `stack` on the first start, otherwise on demand.

No other code makes them. If a process made its own because a volume was empty by mistake, it would make ids that other
processes reject, and different ids for the same events, in a permanent log.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime.settings.private_files import check_secrets_folder, make_secret
from runtime.settings.secrets import IDS, PRIVATE, PUBLIC, SEED, TOKENS, new_key
from runtime.settings.settings import BadSettings

_USE = {
    SEED: "copy it to every machine that serves, and keep a backup; it never changes",
    IDS: "copy it to every machine that serves, and keep a backup; add new lines at the top, never remove a line",
    TOKENS: "copy it to every machine that serves; it signs development tokens",
    PRIVATE: "keep it where the operator works, and off every machine that serves; it signs operator tokens",
    PUBLIC: "copy it to every machine that serves; it verifies operator tokens",
}


def make_embedded_secrets(folder: Path, *, begun: bool = False) -> None:
    """Make the missing secrets of one machine; once its log has ``begun``, make only the key that signs tokens.

    Raises `BadSettings`: one of the two secrets behind ids is missing, or the folder is open to other accounts.
    """
    make_missing(folder, (TOKENS,) if begun else (SEED, IDS, TOKENS))


def make_secrets(folder: Path, *, dev_tokens: bool) -> list[str]:
    """Make the secrets of a new installation; return a line for each new file that says what to do with it.

    Raises `BadSettings`: no secret is missing, or they can't be made.
    """
    made = make_missing(folder, (SEED, IDS, *((TOKENS,) if dev_tokens else ())))
    if not (folder / PRIVATE).exists() and not (folder / PUBLIC).exists():
        from edge.keys import new_key_pair

        with _writing(folder):
            for name, text in zip((PRIVATE, PUBLIC), new_key_pair(), strict=True):
                make_secret(folder / name, text)
        made += [PRIVATE, PUBLIC]
    if not made:
        raise BadSettings(f"{folder} already has its secrets, which are never overwritten")
    return [f"{folder / name}: {_USE[name]}" for name in made]


def make_missing(folder: Path, names: Sequence[str]) -> list[str]:
    """Make a key in each missing file and return the files' names; raise like `make_embedded_secrets`."""
    missing = [name for name in names if not (folder / name).exists()]
    lost = {SEED, IDS} & set(missing)
    if len(lost) == 1:
        raise BadSettings(f"{lost.pop()} is missing from {folder}: restore it, since existing ids depend on it")
    with _writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_secrets_folder(folder)
        for name in missing:
            make_secret(folder / name, new_key())
    return missing


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadSettings(f"can't make secrets in {folder}: {error.strerror}") from error
