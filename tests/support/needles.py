"""Looks for words in every byte of a folder: in files as they are, and in the compressed blocks of ClickHouse."""

from collections.abc import Iterator
from pathlib import Path

import cramjam

_CHECKSUM, _HEADER = 16, 9  # bytes; a header is the codec, the size with the header, and the size of the content
_LZ4, _ZSTD, _PLAIN = 0x82, 0x90, 0x02
_SIZE_MAX = 1 << 30


def found_in(folder: Path, *words: str) -> dict[str, set[str]]:
    """Return for each word the files, relative to the folder, that have it; a file may vanish meanwhile."""
    found: dict[str, set[str]] = {word: set() for word in words}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        for some in (content, *blocks_in(content)):
            for word, files in found.items():
                if word.encode() in some:
                    files.add(str(file.relative_to(folder)))
    return found


def blocks_in(content: bytes) -> Iterator[bytes]:
    """Yield the content of the compressed blocks with which a file begins."""
    at = 0
    while at + _CHECKSUM + _HEADER <= len(content):
        head = content[at + _CHECKSUM : at + _CHECKSUM + _HEADER]
        codec, size, plain = head[0], int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:], "little")
        end = at + _CHECKSUM + size
        if codec not in (_LZ4, _ZSTD, _PLAIN) or size < _HEADER or end > len(content) or plain > _SIZE_MAX:
            return
        yield _plain(codec, content[at + _CHECKSUM + _HEADER : end], plain)
        at = end


def _plain(codec: int, block: bytes, size: int) -> bytes:
    if codec == _LZ4:
        return bytes(cramjam.lz4.decompress_block(block, output_len=size))
    return bytes(cramjam.zstd.decompress(block)) if codec == _ZSTD else block
