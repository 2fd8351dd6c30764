"""SessionMood: tells an app how its user feels while using it, in time to help.

Code map, from the ground up: `mood` turns events into moods and knows nothing else; `protocol` is the
wire without I/O; `sessions` holds the live sessions; `storage` keeps them; `ingest` is the one path from a
batch to a mood; `auth` says who may; `transport` holds the doors; `web` builds and wires everything; `server` runs it;
`lab` works offline; `cli` is the command line. ARCHITECTURE.md says what may import what.
"""

from app import compiled

__version__ = "0.1.0"

#: Whether the mood engine runs as machine code.
COMPILED = compiled.use()
