"""What the two wires use of uvicorn's and websockets' insides: named here, one by one, so that an upgrade that takes one
away fails with a sentence."""

import ast
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

SERVER: Final = Path(__file__).resolve().parents[2] / "app" / "server"

#: Ours, whose it is built on, and what it uses of that: attributes, and methods that it replaces or calls.
BORROWED: Final = [
    (
        "http_protocol",
        "HttpProtocol",
        HttpToolsProtocol,
        "_get_upgrade _start_asgi_task _unset_keepalive_if_required app_state client config connection_lost "
        "connection_made connections cycle data_received flow headers loop on_body on_header on_headers_complete "
        "on_message_begin on_message_complete on_response_complete parser pipeline root_path scope server_state shutdown "
        "timeout_keep_alive_task transport url ws_protocol_class",
    ),
    (
        "http_protocol",
        "Cycle",
        RequestResponseCycle,
        "default_headers disconnected flow keep_alive message_event on_response response_complete response_started send "
        "transport waiting_for_100_continue",
    ),
    (
        "socket_protocol",
        "SocketProtocol",
        WebSocketsSansIOProtocol,
        "client close_sent close_timeout close_timer config conn connection_lost connection_made curr_msg_data_type "
        "data_received disconnected frames handle_close handle_connect handle_cont handle_parser_exception handle_ping "
        "handle_pong keepalive_timeout loop queue read_paused receive run_asgi schedule_ping scope send "
        "send_keepalive_ping send_receive_event_to_app shutdown stop_keepalive transport writable",
    ),
]
#: Of the parser that uvicorn has in `conn`, of its `reader` and its `parser`.
OF_THE_PARSER: Final = (
    "close_sent current_size data_to_send fail handshake_exc parser parser_exc reader state"
)


def named_in(kind: type) -> set[str]:
    """What a class and its bases define: methods, and attributes of `self`."""
    found = set(dir(kind))
    for each in kind.__mro__:
        if each.__module__.startswith(("uvicorn", "websockets")):
            found |= set(re.findall(r"self\.(\w+)(?:: [^=\n]+)? =", inspect.getsource(each)))
    return found


def used_by(module: str, name: str) -> tuple[set[str], set[str]]:
    """The methods that our class defines, and all names that it uses of `self`."""
    tree = ast.parse((SERVER / f"{module}.py").read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    methods = {n.name for n in found.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    used = {
        node.attr
        for node in ast.walk(found)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return methods, used


@pytest.mark.parametrize(
    ("module", "name", "library", "borrowed"), BORROWED, ids=[each[1] for each in BORROWED]
)
def test_what_is_borrowed_is_there(module: str, name: str, library: type, borrowed: str) -> None:
    theirs = named_in(library)
    gone = sorted(set(borrowed.split()) - theirs)
    assert not gone, (
        f"uvicorn {version('uvicorn')} has no {', '.join(gone)} in {library.__name__} any more, which app/{module}.py "
        f"({name}) is built on: look at what took its place before you upgrade"
    )
    methods, used = used_by(module, name)
    assert (methods | used) & theirs - set(dir(object)) == set(borrowed.split()), "name it in BORROWED"


def test_what_is_borrowed_of_the_parser_is_there() -> None:
    tree = ast.parse((SERVER / "socket_protocol.py").read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("conn", "self.conn")
    }
    assert used == set(OF_THE_PARSER.split()), "name it in OF_THE_PARSER"
    gone = sorted(used - named_in(ServerProtocol) - named_in(Protocol))
    assert not gone, f"websockets {version('websockets')} has no {', '.join(gone)} in its Protocol any more"
    parser = ServerProtocol()
    assert isinstance(parser.reader.buffer, bytearray)
    parser.parser.close()
