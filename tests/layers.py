"""The house rules of design §3 as tables, and the walk that finds what breaks them.

``breaches(module, source)`` takes a dotted name below ``appliance`` and source text, so that the test can feed it bad
code; nothing is imported or run.
"""

import ast
import sys
from collections.abc import Iterator
from typing import NamedTuple

# A room is a set of modules; the longest prefix that fits is a module's room.
ROOMS = {
    "errors": "errors",
    "secret": "secret",
    "config": "config",
    "config_place": "config",
    "config_tables": "config",
    "environment": "config",
    "contract": "contract",
    "card": "card",
    "keypad": "keypad",
    "screen": "screen",
    "signing": "signing",
    "notify": "notify",
    "link.messages": "messages",
    "link": "channel",
    "vault.flow": "flow",
    "vault.flow_": "flow",
    "vault.box": "flow",
    "vault.attention": "flow",  # tables over the flow's states, as pure as it
    "vault.lamps": "flow",
    "vault.settings": "flow",
    "vault.records": "flow",  # what the journal keeps, as types
    "vault.hours": "flow",  # a table of hours and a moment
    "vault": "vault adapters",
    "vault.service": "vault service",
    "vault.__main__": "vault service",
    "gateway.bridge": "bridge",
    "gateway": "gateway adapters",
    "gateway.service": "gateway service",
    "gateway.__main__": "gateway service",
    "client": "client",
    "simulator": "simulator",
    "simulator.soft": "soft cards",
    "simulator.pki": "soft cards",
    "simulator.faults": "soft cards",
    "simulator.vpcd": "soft cards",
    "simulator.vault": "simulated vault",
    "cli": "cli",
    "status": "cli",
    "tools": "cli",
    "__main__": "cli",
}

_PURE = {"errors", "secret", "contract", "card", "keypad", "screen", "signing", "messages"}
_VAULT = _PURE | {"config", "channel", "flow", "vault adapters"}
_DESK = {"errors", "config", "contract", "keypad", "screen", "messages", "client", "soft cards"}

# What a room may import besides itself. Down only; the two processes never meet.
MAY_IMPORT = {
    "errors": set(),
    "secret": {"errors"},
    "config": {"errors"},
    "contract": {"errors"},
    "card": {"errors", "secret"},
    "keypad": {"errors", "secret"},
    "screen": {"errors"},
    "signing": {"errors", "contract", "card", "screen"},
    "notify": set(),
    "messages": {"errors", "contract"},
    "channel": {"errors", "messages"},
    "flow": _PURE,
    "vault adapters": _PURE | {"config", "channel", "flow"},
    "vault service": _VAULT | {"notify"},
    "bridge": {"errors", "contract", "messages"},
    "gateway adapters": {"errors", "config", "contract", "bridge", "messages", "channel"},
    "gateway service": {"errors", "config", "contract", "bridge", "messages", "channel", "notify", "gateway adapters"},
    "client": {"errors", "contract"},
    "soft cards": {"errors"},  # nothing of card: else card and driver agree on the same bug
    "simulator": _DESK,
    "simulated vault": _VAULT | {"vault service", "simulator"},
    "cli": _VAULT | _DESK | {"simulator"},
}

PURE_ROOMS = {"contract", "card", "keypad", "screen", "signing", "messages", "flow", "bridge"}
NOT_PURE = {
    *("asyncio", "concurrent", "ctypes", "fcntl", "glob", "io", "mmap", "multiprocessing", "os", "pathlib", "queue"),
    *("random", "sched", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "threading", "time"),
}
CLOCKS = {"now", "utcnow", "today"}  # datetime is a type there, never a clock

# Who may import a library that is not Python's own; a library without a row may be imported by nobody.
OWNERS = {
    "smartcard": {"vault.pcsc", "vault.pcsc_calls", "vault.pcsc_watcher", "vault.pcsc_direct"},
    # simulator.vault puts the simulated pins in place
    "gpiozero": {"vault.gpio", "vault.keys", "vault.signals", "simulator.pins", "simulator.vault"},
    "lgpio": {"vault.gpio"},
    "luma": {"vault.oled", "tools.bench_screen"},  # the last measures luma's own drawing beside ours
    "smbus2": {"vault.oled", "simulator.bus"},
    "paho": {"gateway.mqtt", "gateway.packets", "client.transport"},
    "PIL": {"screen", "vault.oled", "simulator", "tools.bench_screen"},
    "cryptography": {"card", "signing", "vault", "client", "simulator", "cli"},
    "joserfc": {"signing", "vault", "client", "simulator"},
    "asn1crypto": {"card", "signing"},
    "msgspec": {""},
    "iotcore": {"simulator"},
    "aiohttp": {"simulator"},
    "rich": {"simulator", "cli"},
}


class Import(NamedTuple):
    """One imported module, dotted and absolute, and its line."""

    name: str
    line: int


def room_of(module: str) -> str | None:
    """The room of ``vault.pcsc`` and the like; a prefix that ends in a word or ``_`` also takes ``soft...``."""
    open_ended = ("vault.flow_", "simulator.soft", "simulator.pki")
    fits = [
        prefix
        for prefix in ROOMS
        if module == prefix or module.startswith(prefix + ".") or (prefix in open_ended and module.startswith(prefix))
    ]
    return ROOMS[max(fits, key=len)] if fits else None


def imports_of(tree: ast.AST, package: str) -> Iterator[Import]:
    """Every import of a module, also inside functions; ``from a import b`` gives ``a.b`` (b may be a module)."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom(module=module, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module" | "run_module")
                | ast.Attribute(attr="import_module" | "run_module"),
                args=[first, *_],
            ):
                # a name made at run time could be anything
                known = isinstance(first, ast.Constant) and isinstance(first.value, str)
                yield Import(first.value if known else "?", node.lineno)


def breaches(module: str, source: str) -> list[str]:
    """What is wrong with ``appliance/<module>``: one line each, empty when nothing is."""
    tree = ast.parse(source)
    room = room_of(module)
    if room is None:
        return [] if module == "" else [f"{module}: in no room of the house"]
    package = "appliance." + module.rpartition(".")[0] if "." in module else "appliance"
    found = []
    for name, line in imports_of(tree, package):
        if reason := _import_breach(module, room, name):
            found.append(f"{module}:{line}: {reason}")
    if room in PURE_ROOMS:
        found += [f"{module}:{line}: {reason}" for line, reason in _impure_calls(tree)]
    if "simulator" not in module and room != "cli":
        found += [
            f"{module}:{node.lineno}: names the simulator"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "appliance.simulator" in node.value
        ]
    return found


def _import_breach(module: str, room: str, name: str) -> str | None:
    if name == "?":
        return "imports a module whose name is made at run time"
    top, _, below = name.partition(".")
    if top == "appliance":
        target = room_of(below)
        if below == "" or target is None:  # `from appliance import __version__`
            return None if not target and "." not in below else f"{name} is in no room"
        allowed = target == room or target in MAY_IMPORT[room]
        return None if allowed else f"{room} may not import {target} ({name})"
    if top in sys.stdlib_module_names:
        return f"{room} is pure: no {top}" if room in PURE_ROOMS and top in NOT_PURE else None
    owners = OWNERS.get(top, set())
    owned = any(owner in ("", module) or module.startswith(owner + ".") for owner in owners)
    return None if owned else f"{top} belongs to {', '.join(sorted(owners)) or 'nobody'}"


def _impure_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="open" | "print" | "input" as name)):
                yield node.lineno, f"pure: no {name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield node.lineno, f"pure: no clock ({name})"
            case ast.AsyncFunctionDef():
                yield node.lineno, "pure: nothing to await"


def sleeps(source: str) -> list[int]:
    """Lines of a test that sleep: ``time.sleep``, a bare ``sleep``, ``asyncio.sleep`` of anything but 0."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio"), attr="sleep"), args=[ast.Constant(value=0)]):
                continue
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
                lines.append(node.lineno)
    return lines
