"""The fault matrix: everything that this product must survive. Each row is a fault, proved by tests with its number.

``@pytest.mark.fault(row=8)`` marks a test of row 8, and ``pytest -m "fault(row=8)"`` runs all of them. A row without a
test outside the parts (`tests/selection/parts.py`) fails `tests/meta/test_faults.py`, and so does an unknown row. Here
each fault happens once or a few times; `make chaos` injects all of them together for minutes.

These invariants must hold under every fault:

I1  everything accepted is stored, or set aside as a dead letter
I2  everything stored was sent
I3  an event id is one row
I4  every offset of the log has its receipt
I5  rollups equal a recount of the facts, by every dimension, to the nano-dollar
I6  sessions and tasks are the fold of their events
I7  no org sees anything of another org
I8  payloads are returned byte for byte, except for secrets
I9  after the fault the lag returns to 0 within a minute; no process is left behind, memory is bounded
I10 no secret is in the log, the store, or a log file
I11 no response is a 5xx other than 503, and every error has the same shape
"""

ROWS = {
    1: "ingest killed before the append, after the send, after the log's acknowledgement, after the reply",
    2: "a projector killed at each step of its writes, and between its last write and the acknowledgement",
    3: "the query side and the store server killed under load",
    4: "the single process of the embedded default killed under load, repeatedly",
    5: "the broker killed, restarted and suspended, under load",
    6: "a worker that is suspended beyond its session time-out, is replaced, and resumes",
    7: "workers that join and leave, one rebalance after the other",
    8: "connections that are cut, half open, or lose replies: ingest and Kafka, projector and store",
    9: "a store that is slow, or refuses: too many parts, no memory, read-only",
    10: "a full disk, of the log and of the store",
    11: "a batch sent ten times, interleaved, split differently, by eight clients at once",
    12: "events out of order, after the end, weeks late; an end before the start, or without a create",
    13: "a repeated event id, with another body, time or type, in another session or org",
    14: "clocks that are wrong or jump",
    15: "invalid records written straight into the topic",
    16: "records of every older version, of unknown kinds, with unknown fields",
    17: "bodies that are too large, too many, too deeply nested, broken, or full of odd characters",
    18: "injection in searches, filters, orders and cursors",
    19: "every endpoint with every role, on own and foreign ids; forged tokens",
    20: "slow headers, slow bodies, thousands of idle connections",
    21: "one session, or one org, that causes nearly all of the load",
    22: "SIGTERM to every process under load",
    23: "a replay under load, a crash in it, a switch and back",
    24: "a wrong environment: versions, topics, tables, secrets",
    25: "a batch and a gap that touch a thousand orgs, and a store that refuses what a real server refuses",
    26: "a store that fails in every way a cluster can, refuses its users, or returns from an older copy",
    27: "one partition that Faust withholds while the others flow",
    28: "a log, a store and secrets that do not belong together, and a topic that may lose records",
    29: "projectors killed between a refresh of the rollups and its mark, repeatedly, sharing buckets",
    30: "the hook client: no server, a full disk, killed anywhere, two agents at once, clocks that jump",
    31: "an erasure under load, with its projector killed at each step",
    32: "what returns after an erasure: late records, resends, a worker that wakes up, older copies of log and store",
    33: "an export from which what is erased is removed, killed at each step",
    34: "a topic that is trimmed behind an archive: its keeper killed at each step, workers that come too late",
}
