"""Image digests: renewed in the list and in all files at once, or not at all."""

from pathlib import Path

import pytest

from devstack.image_pins import LIST, NoDigest, renew

OLD, NEW, OTHER = (f"sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder like `deploy/`, with two tags of which one is a prefix of the other, and one without a digest."""
    (tmp_path / LIST).write_text(f"# a list of x:1\nx/x:1@{OLD}\nx/x:1-alpine # no digest: why\n")
    (tmp_path / "compose.yaml").write_text(f"image: x/x:1-alpine\nBASE: ${{BASE:-x/x:1@{OLD}}}\n# of y.x/x:1\n")
    (tmp_path / "kubernetes" / "base").mkdir(parents=True)
    (tmp_path / "kubernetes" / "base" / "x.yaml").write_text("image: &x x/x:1\n")
    return tmp_path


def test_every_file_gets_the_digest_of_its_tag(folder: Path) -> None:
    """Old digests are replaced, missing ones added, and similar tags keep their own."""
    renew(folder, {"x/x:1": NEW, "x/x:1-alpine": OTHER}.__getitem__)

    assert (folder / LIST).read_text() == f"# a list of x:1\nx/x:1@{NEW}\nx/x:1-alpine@{OTHER}\n"
    composed = f"image: x/x:1-alpine@{OTHER}\nBASE: ${{BASE:-x/x:1@{NEW}}}\n# of y.x/x:1\n"
    assert (folder / "compose.yaml").read_text() == composed
    assert (folder / "kubernetes" / "base" / "x.yaml").read_text() == f"image: &x x/x:1@{NEW}\n"


@pytest.mark.parametrize("answer", ["", "latest", NEW[:-1], NEW.upper(), f"{NEW}\n{OTHER}"])
def test_an_answer_that_is_no_digest_changes_nothing(folder: Path, answer: str) -> None:
    """Neither the list nor a file changes, even if other answers were valid."""
    before = {file: file.read_text() for file in folder.rglob("*.*") if file.is_file()}

    with pytest.raises(NoDigest, match="the answer for x/x:1-alpine is not a digest"):
        renew(folder, {"x/x:1": NEW, "x/x:1-alpine": answer}.__getitem__)

    assert {file: file.read_text() for file in before} == before
