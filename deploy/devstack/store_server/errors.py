"""What can go wrong, in ClickHouse's terms: a code, a name, and the HTTP status a ClickHouse server would send.

StoreError                 the one error a client ever sees
StoreDirectoryInUse        another process has the directory open; nothing was started
"""

import re

AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
CANNOT_DECOMPRESS = 271
CANNOT_READ_ALL_DATA = 33
NOT_IMPLEMENTED = 48
POCO_EXCEPTION = 1000
READONLY = 164
ACCESS_DENIED = 497
SYNTAX_ERROR = 62
TOO_MANY_BYTES = 307
TOO_MANY_QUERIES = 202
UNKNOWN_COMPRESSION = 89
UNKNOWN_EXCEPTION = 1002
UNKNOWN_FORMAT = 73
UNKNOWN_SETTING = 115
CANNOT_STREAM = "Streaming query is not supported"

_NAMES = {
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    CANNOT_READ_ALL_DATA: "CANNOT_READ_ALL_DATA",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    READONLY: "READONLY",
    ACCESS_DENIED: "ACCESS_DENIED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    TOO_MANY_BYTES: "TOO_MANY_BYTES",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    UNKNOWN_COMPRESSION: "UNKNOWN_COMPRESSION_METHOD",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
    UNKNOWN_SETTING: "UNKNOWN_SETTING",
}

# As ClickHouse maps them (exceptionCodeToHTTPStatus.cpp); what is not there is a 500.
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
# Such an error may say what is in a file: in a template, in a schema, or in rows of another file than ours.
_QUOTES_FILE_CODES = frozenset({434, 474, 622})
_QUOTES_FILE = re.compile(r"Parsed format string|in file/uri (?!/proc/\d+/fd/)")
_TEXT_LEFT_OUT = "The engine's message is left out here, since it may quote a file."
_NO_FILES = re.compile(r"grant (READ|WRITE) ON FILE")
_WHY_NO_FILES = (
    " The store server reaches no files, and the engine takes an unknown table of the database `default` for one: "
    "use a database of your own."
)


class StoreDirectoryInUse(Exception):
    """Another process has this store directory open; the message says which and what to do."""


class StoreError(Exception):
    """An error as the client will read it: `code` and `status` as ClickHouse gives them, `text` in its form.

    A `message` that is `whole` has the code and its name in it.
    """

    def __init__(self, code: int, message: str, status: int | None = None, whole: bool = False) -> None:
        self.code = code
        self.status = status or _STATUS_OF_CODE.get(code, 500)
        whole = whole or code not in _NAMES
        self.text = message if whole else f"Code: {code}. DB::Exception: {message} ({_NAMES[code]})"
        super().__init__(self.text)


class EngineError(StoreError):
    """What chDB raised; its text is passed on from the first "Code:", unless it may quote a file."""

    def __init__(self, raised: Exception) -> None:
        text = str(raised)
        self.cannot_stream = CANNOT_STREAM in text
        found = _CODE.search(text)
        code = int(found[1]) if found else UNKNOWN_EXCEPTION
        if found:
            text = text[found.start() :].strip()
        if code in _QUOTES_FILE_CODES or _QUOTES_FILE.search(text):
            text = f"Code: {code}. DB::Exception: {_TEXT_LEFT_OUT}"
        if _NO_FILES.search(text):
            text += _WHY_NO_FILES
        super().__init__(code, text)
        if found:
            self.text = text  # with the code and the name in it
