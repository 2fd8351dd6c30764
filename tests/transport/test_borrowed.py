"""What the two wires use of uvicorn's and websockets' insides: named here, one by one, so that an upgrade that takes one
away fails with a sentence."""

import ast
import inspect
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from uvicorn import Config, Server
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

APP: Final = Path(__file__).resolve().parents[2] / "app"
SERVER: Final = APP / "server"

#: Ours, whose it is built on, and what it uses of that: attributes, and methods that it replaces or calls.
BORROWED: Final = [
    (
        "http_protocol",
        "HttpProtocol",
        HttpToolsProtocol,
        "_get_upgrade _start_asgi_task _unset_keepalive_if_required app app_state client config connection_lost "
        "connection_made connections cycle data_received flow headers loop on_body on_header "
        "on_headers_complete on_message_begin on_message_complete on_response_complete parser pipeline "
        "root_path scope server_state tasks timeout_keep_alive_task transport url ws_protocol_class ",
    ),
    (
        "http_ends",
        "ClosingHttp",
        HttpToolsProtocol,
        "_unset_keepalive_if_required app app_state asgi_version client config connection_made connections "
        "cycle flow limit_concurrency loop parser pipeline root_path scheme server server_state shutdown "
        "tasks timeout_keep_alive transport ws_protocol_class ",
    ),
    (
        "request_cycle",
        "Cycle",
        RequestResponseCycle,
        "default_headers disconnected flow keep_alive message_event on_response response_complete "
        "response_started send transport waiting_for_100_continue ",
    ),
    (
        "opening",
        "OpeningSocket",
        WebSocketsSansIOProtocol,
        "app app_state asgi_version client close_sent config conn connection_made connections "
        "default_headers disconnected frames handle_connect handshake_complete handshake_initiated loop "
        "on_task_complete ping_interval ping_timeout queue request response root_path run_asgi scheme scope "
        "send server start_keepalive tasks transport writable ",
    ),
    (
        "socket_protocol",
        "SocketProtocol",
        WebSocketsSansIOProtocol,
        "close_sent config conn curr_msg_data_type data_received frames handle_cont handle_parser_exception "
        "handle_ping handle_pong loop queue read_paused receive run_asgi scope send "
        "send_receive_event_to_app transport writable ",
    ),
    (
        "socket_ends",
        "ClosingSocket",
        WebSocketsSansIOProtocol,
        "close_sent close_timer config conn connection_lost disconnected handle_close "
        "handle_parser_exception keepalive_timeout last_ping_rtt loop ping_interval queue read_paused "
        "schedule_ping send_keepalive_ping shutdown stop_keepalive transport ",
    ),
    (
        "run",
        "Server",
        Server,
        "config handle_exit lifespan server_state servers should_exit shutdown started startup ",
    ),
]
#: What is used of their parts: how our sources call the part, whose it is, and which names.
PARTS: Final = [
    (("Protocol",), Protocol, "parse"),
    (
        ("conn", "self.conn"),
        ServerProtocol,
        "close_sent current_size data_to_send fail handshake_exc parser parser_exc reader state ",
    ),
    (
        ("cycle", "self.cycle"),
        RequestResponseCycle,
        "__class__ body disconnected message_event response_complete response_started scope "
        "waiting_for_100_continue ",
    ),
    (("self.flow",), FlowControl, "read_paused resume_reading write_paused "),
    (("self.config",), Config, "timeout_graceful_shutdown ws_max_size "),
    (("self.server_state",), ServerState, "connections "),
]
#: Modules and names that their owners call private, and that are imported all the same.
PRIVATE: Final = (
    "uvicorn._types.ASGIReceiveEvent",
    "uvicorn._types.ASGISendEvent",
    "uvicorn.middleware.proxy_headers._TrustedHosts",
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
        f"uvicorn {version('uvicorn')} has no {', '.join(gone)} in {library.__name__} any more, which {module}.py "
        f"({name}) is built on: look at what took its place before you upgrade"
    )
    methods, used = used_by(module, name)
    assert (methods | used) & theirs - set(dir(object)) == set(borrowed.split()), "name it in BORROWED"


def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for path in sorted(SERVER.glob("*.py"))]


@pytest.mark.parametrize(("called", "library", "borrowed"), PARTS, ids=[each[0][0] for each in PARTS])
def test_what_is_borrowed_of_a_part_is_there(called: tuple[str, ...], library: type, borrowed: str) -> None:
    used = {
        node.attr
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in called
    }
    assert used == set(borrowed.split()), "name it in PARTS"
    gone = sorted(used - named_in(library))
    assert not gone, (
        f"{library.__module__} has no {', '.join(gone)} in {library.__name__} any more, which app/server uses: look at "
        "what took its place before you upgrade"
    )


def test_the_parser_can_be_emptied_and_ended() -> None:
    parser = ServerProtocol()
    assert isinstance(parser.reader.buffer, bytearray)
    parser.parser.close()


def test_private_names_are_imported_where_they_are_named_here_only() -> None:
    found = {
        f"{node.module}.{alias.name}"
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("uvicorn", "websockets"))
        for alias in node.names
        if any(part.startswith("_") for part in f"{node.module}.{alias.name}".split("."))
    }
    assert found == set(PRIVATE), "name it in PRIVATE"
    for name in PRIVATE:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), (
            f"uvicorn {version('uvicorn')} has no {name} any more"
        )
