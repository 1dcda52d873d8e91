"""What a ClickHouse server answers when it can't do what it is asked to: a store server in another process says so."""

from pathlib import Path

import msgspec

from deploy.child import write_whole
from deploy.store_server.conditions import REFUSALS
from deploy.store_server.refusals import ALWAYS, Refusal

PASSING = (241, 242, 243, 252)  # MEMORY_LIMIT_EXCEEDED, TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE, TOO_MANY_PARTS


class StoreRefusals:
    """The file that a store server with ``environment`` looks at before each statement."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.environment = {REFUSALS: str(file)}

    def put(self, *refusals: Refusal) -> None:
        """From now on these, and no others."""
        write_whole(self.file, msgspec.json.encode(refusals).decode())

    def everything(self, code: int) -> None:
        """From now on each statement fails with this code."""
        self.put(Refusal(codes=(code,), times=ALWAYS))

    def end(self) -> None:
        """From now on nothing fails."""
        self.file.unlink(missing_ok=True)
