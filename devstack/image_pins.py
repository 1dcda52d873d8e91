"""Renew the digests of other projects' images: `make images-renew`, on a machine whose Docker reaches the registries.

`images.txt` is the list. Compose, Docker and Kubernetes can't read it, so their files repeat the images that they use.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "deploy"
LIST = "images.txt"
USERS = ("Dockerfile", "compose*.yaml", "kubernetes/**/*.yaml")


class NoDigest(Exception):
    """A registry did not answer with a digest; the message names the image."""


def references(listed: str) -> list[str]:
    """Return each image of the list: `name:tag@digest`, or `name:tag` if it has no digest yet."""
    return [image for line in listed.splitlines() if (image := line.partition("#")[0].strip())]


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """Return the text with these digests after the tags that it names."""
    for tag, digest in digests.items():
        text = re.sub(rf"(?<![\w./]){re.escape(tag)}(?:@sha256:\w+)?(?![\w.@-])", f"{tag}@{digest}", text)
    return text


def renew(folder: Path, digest_of: Callable[[str], str]) -> None:
    """Write the current digest of every listed tag into the list and the files. Raises `NoDigest` before it writes."""
    listed = (folder / LIST).read_text()
    digests: dict[str, str] = {}
    for tag in (reference.partition("@")[0] for reference in references(listed)):
        digests[tag] = digest_of(tag)
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digests[tag]):
            raise NoDigest(f"the answer for {tag} is not a digest: {digests[tag]!r}")
    (folder / LIST).write_text(re.sub(r"(@sha256:\w+) +#.*", r"\1", pinned(listed, digests)))
    for file in (file for pattern in USERS for file in folder.glob(pattern)):
        file.write_text(pinned(file.read_text(), digests))


def ask_registry(tag: str) -> str:
    """Return the digest that a tag points to now. Raises `NoDigest`."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", tag]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed arguments)
    if done.returncode != 0:
        raise NoDigest(f"{tag} could not be looked up: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        renew(FOLDER, ask_registry)
    except (NoDigest, OSError) as reason:
        sys.exit(f"images-renew: {reason}")
