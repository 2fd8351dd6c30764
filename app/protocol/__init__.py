"""The wire, sans I/O: JSON to events and frames, readings to JSON.

Decoding is typed (msgspec) and refuses whole batches: a malformed event raises BadBatch with its index and
the reason, anything that is no batch at all raises BadRequest.
"""

from app.protocol.batches import Batch, WireEvent, decode_log, encode_log, part
from app.protocol.bodies import BYTE_ORDER_MARK, Envelope, decode_body
from app.protocol.frames import SESSION_ID, Hello
from app.protocol.incoming import decode_frame
from app.protocol.readings import encode, frame, position, problem, reading_dict

__all__ = [
    "BYTE_ORDER_MARK",
    "SESSION_ID",
    "Batch",
    "Envelope",
    "Hello",
    "WireEvent",
    "decode_body",
    "decode_frame",
    "decode_log",
    "encode",
    "encode_log",
    "frame",
    "part",
    "position",
    "problem",
    "reading_dict",
]
