"""Finds the place that an operator names."""

import os
from pathlib import Path

from ingest.log.archive.folder import Folder
from ingest.log.archive.place import Place


def place_at(address: str) -> Place:
    """Return the folder or, for ``s3://bucket/prefix``, the bucket. Raises `Refused` for another address."""
    if "://" not in address:
        return Folder(Path(address))
    from ingest.log.archive.s3 import open_bucket  # a folder needs no client of an object store

    return open_bucket(address, os.environ)
