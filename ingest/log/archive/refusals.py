"""Errors of exports and imports; each message says what to do."""


class Refused(Exception):
    """The command was not carried out, because the log and the export do not match."""


class NoExport(Refused):
    """There is no export in this place."""


class Damaged(Exception):
    """A file of the export is not as it was written."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{file}: {what}")
        self.file, self.what = file, what
