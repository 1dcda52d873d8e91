"""Errors in ClickHouse's terms: a code, a name, and the HTTP status that a ClickHouse server sends.

StoreError                 the one error that clients see
StoreDirectoryInUse        another process has the directory open; nothing was started
"""

import re
from enum import IntEnum


class Code(IntEnum):
    """The errors that this server raises itself, under ClickHouse's names."""

    CANNOT_READ_ALL_DATA = 33
    BAD_ARGUMENTS = 36
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_FORMAT = 73
    UNKNOWN_COMPRESSION_METHOD = 89
    UNKNOWN_SETTING = 115
    READONLY = 164
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    CANNOT_DECOMPRESS = 271
    TOO_MANY_BYTES = 307
    ACCESS_DENIED = 497
    AUTHENTICATION_FAILED = 516
    POCO_EXCEPTION = 1000
    UNKNOWN_EXCEPTION = 1002


# ClickHouse's table (exceptionCodeToHTTPStatus.cpp); other codes are a 500.
_STATUS_OF_CODE = {
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123), 400),
    **dict.fromkeys((167, 168, 223, 321, 376, 427, 441, 675, 676), 400),
    194: 401,
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    159: 408,
    381: 411,
    229: 413,
    779: 415,
    48: 501,
    **dict.fromkeys((76, 209, 439), 503),
}
_CODE = re.compile(r"Code: (\d+)")
_NO_FILES = re.compile(r"grant (READ|WRITE) ON FILE")
_WHY_NO_FILES = (
    " The store server reaches no files, and the engine takes an unknown table of the database `default` for one: "
    "use another database."
)


class StoreDirectoryInUse(Exception):
    """Another process has this store directory open; the message says which one and what to do."""


class StoreError(Exception):
    """An error as the client reads it: `code` and `status` are ClickHouse's, `text` has its form.

    A `whole` message contains the code and its name already.
    """

    def __init__(self, code: int, message: str, status: int | None = None, whole: bool = False) -> None:
        self.code = code
        self.status = status or _STATUS_OF_CODE.get(code, 500)
        self.text = message if whole else f"Code: {code}. DB::Exception: {message} ({Code(code).name})"
        super().__init__(self.text)


class EngineError(StoreError):
    """An error of chDB; its text is passed on from the first "Code:"."""

    def __init__(self, raised: Exception) -> None:
        text = str(raised)
        self.cannot_stream = "Streaming query is not supported" in text
        found = _CODE.search(text)
        code = int(found[1]) if found else Code.UNKNOWN_EXCEPTION
        if found:
            text = text[found.start() :].strip()
        if _NO_FILES.search(text):
            text += _WHY_NO_FILES
        super().__init__(code, text, whole=found is not None)
