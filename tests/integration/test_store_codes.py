"""Our table of error codes equals the engine's."""

import clickhouse_connect

from store.codes import CODES
from tests.support.rigs.store import Options


def test_every_code_has_the_name_that_the_engine_gives_it(engine: Options) -> None:
    """With a mistyped number another error would match."""
    client = clickhouse_connect.get_client(**engine)
    try:
        found = client.query(
            "SELECT code, errorCodeToName(code) FROM (SELECT arrayJoin({codes:Array(UInt32)}) AS code)",
            parameters={"codes": sorted(CODES)},
        ).result_rows
    finally:
        client.close()

    assert dict(found) == {code: known.name for code, known in CODES.items()}
