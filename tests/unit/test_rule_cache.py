"""Compiled redaction rules come from a cache that only this account can have written."""

import os
import subprocess
import sys
from pathlib import Path

import hyperscan
import pytest

from ingest.privacy.redaction.scanner import Hit, Scanner
from runtime.services.rule_cache import FILES_MAX, RuleCache, user_cache

PATTERNS, TEXT = [b"secret[0-9]", b"token"], b"a token, secret1"
HITS = [Hit(7, 1), Hit(16, 0)]


class NoCompiler(Scanner):
    """A scanner that must find its patterns already compiled."""

    @property
    def _database(self) -> hyperscan.Database:
        return vars(self)["loaded"]

    @_database.setter
    def _database(self, loaded: hyperscan.Database) -> None:
        vars(self)["loaded"] = loaded


@pytest.fixture
def cache(tmp_path: Path) -> RuleCache:
    """A cache that has the patterns, in a folder that it made."""
    cache = RuleCache(tmp_path / "rules")
    Scanner(PATTERNS).compile(cache)
    return cache


@pytest.fixture
def file(cache: RuleCache, tmp_path: Path) -> Path:
    """The file with the patterns."""
    (only,) = (tmp_path / "rules").iterdir()
    return only


def is_used(cache: RuleCache) -> bool:
    """Return whether the patterns come from the cache, and work."""
    scanner = NoCompiler(PATTERNS)
    try:
        scanner.compile(cache)
    except KeyError:
        return False
    assert sorted(scanner.scan(TEXT)) == HITS
    return True


def test_another_process_compiles_nothing(cache: RuleCache) -> None:
    """It loads the patterns, and they find the same."""
    assert is_used(cache)


@pytest.mark.slow
def test_a_warm_cache_spares_the_compiler_for_all_rules(tmp_path: Path) -> None:
    """A process that can't compile still redacts once another one has filled the cache."""
    program = """
import sys
from pathlib import Path
import hyperscan
from ingest.privacy.redaction import compile_rules, redact
from runtime.services.rule_cache import RuleCache
if sys.argv[2:]:
    class Uncompiled:
        def __init__(self, *args, **options): raise AssertionError("compiles")
    hyperscan.Database = Uncompiled
compile_rules(RuleCache(Path(sys.argv[1])))
print(redact(b'{"a": "password = hunter2secret!"}').data.decode())
"""
    command = [sys.executable, "-c", program, str(tmp_path / "rules")]
    runs = [subprocess.run([*command, *more], capture_output=True, text=True, check=True) for more in ([], ["warm"])]

    assert "[redacted:password]" in runs[0].stdout
    assert runs[1].stdout == runs[0].stdout


def test_other_patterns_and_flags_have_their_own_file(cache: RuleCache, tmp_path: Path) -> None:
    """They never get the wrong database."""
    for other in (Scanner(PATTERNS[::-1]), Scanner(PATTERNS, hyperscan.HS_FLAG_SINGLEMATCH)):
        other.compile(cache)

    assert len(list((tmp_path / "rules").iterdir())) == 3
    assert is_used(cache)


@pytest.mark.parametrize("place", [0, 31, 32, 40, -1])
def test_a_changed_byte_is_found(cache: RuleCache, file: Path, place: int) -> None:
    """The digest or the database may be broken; the rules are then compiled again, and the file is replaced."""
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)

    assert not is_used(cache)
    Scanner(PATTERNS).compile(cache)
    assert is_used(cache)


@pytest.mark.parametrize("size", [0, 10, 32, 500])
def test_a_truncated_file_is_replaced(cache: RuleCache, file: Path, size: int) -> None:
    """A power cut may leave one."""
    file.write_bytes(file.read_bytes()[:size])

    assert not is_used(cache)
    Scanner(PATTERNS).compile(cache)
    assert is_used(cache)


def test_a_file_of_another_name_does_not_count(cache: RuleCache, file: Path) -> None:
    """A renamed file has the digest of its former name."""
    other = Scanner([b"harmless"])
    other.compile(cache)
    (others,) = set(file.parent.iterdir()) - {file}
    others.replace(file)

    assert not is_used(cache)


def test_hyperscan_refuses_the_database_of_another_version(cache: RuleCache, file: Path) -> None:
    """Even with the right digest: its own check comes last."""
    name = file.name.partition("-")[0]
    database = bytearray(cache.load(name) or b"")
    database[4:8] = b"\xff\xff\xff\xff"  # where hyperscan has its version
    cache.save(name, bytes(database))

    assert cache.load(name) == bytes(database)
    assert not is_used(cache)
    Scanner(PATTERNS).compile(cache)
    assert is_used(cache)


def test_another_processor_has_its_own_file(cache: RuleCache, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder may be shared between machines."""
    monkeypatch.setattr("runtime.services.rule_cache._processor", lambda: "another")

    assert not is_used(RuleCache(file.parent))


def test_a_file_that_others_could_change_does_not_count(cache: RuleCache, file: Path) -> None:
    """Its database would run as native code."""
    file.chmod(0o620)

    assert not is_used(cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_account_does_not_count(cache: RuleCache, file: Path) -> None:
    """The folder may be in a place that others can write to, such as /tmp."""
    os.chown(file, 12_345, -1)

    assert not is_used(cache)


def test_a_symbolic_link_is_not_followed(cache: RuleCache, file: Path, tmp_path: Path) -> None:
    """This applies to reading and writing."""
    target = tmp_path / "target"
    file.rename(target)
    file.symlink_to(target)
    before = target.read_bytes()

    assert not is_used(cache)
    Scanner(PATTERNS).compile(cache)
    assert not file.is_symlink()
    assert target.read_bytes() == before


def test_only_this_account_can_read_folder_and_file(file: Path) -> None:
    """They have mode 700 and 600."""
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("folder", ["/proc/rules", "/dev/null/rules"])
def test_without_a_writable_folder_the_rules_are_compiled(folder: str) -> None:
    """A container may have a read-only file system; redaction still works."""
    scanner = Scanner(PATTERNS)
    scanner.compile(RuleCache(Path(folder)))

    assert sorted(scanner.scan(TEXT)) == HITS


def test_old_files_are_removed(cache: RuleCache, tmp_path: Path) -> None:
    """Each version of the rules would leave its files behind."""
    for number in range(FILES_MAX + 3):
        cache.save(f"{number:02}", b"compiled")

    left = sorted((tmp_path / "rules").iterdir())
    assert len(left) == FILES_MAX
    assert left[-1].name.startswith(f"{FILES_MAX + 2:02}")


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is the folder of the XDG specification, which says that relative paths are ignored."""
    for given, place in ((str(tmp_path), tmp_path), ("relative", tmp_path / "home" / ".cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        found = user_cache()
        assert found is not None
        found.save("name", b"compiled")
        assert len(list((place / "crewkit-sessions" / "rules").iterdir())) == 1
