"""OpenSC on the same soft card, through its PKCS#11 module: what it costs to do what the box does.

What it is: a child that calls the module (pkcs11.py) phase by phase, and the counts between. What it is not: a judge:
what OpenSC cannot do has no figure. Rule: its own defaults, but for the file cache of the "known" phase, which is its
best case; never a PIN of anybody: the card is ours.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import SimulatorError
from appliance.simulator.pcscd import PrivatePcscd

if TYPE_CHECKING:  # bench_card.py imports this
    from appliance.tools.bench_card import Count

PLACES: Final = ("usr/lib/*/opensc-pkcs11.so", "usr/lib*/opensc-pkcs11.so", "usr/lib*/pkcs11/opensc-pkcs11.so")
CONFIGURATION: Final = """\
app default {{
  framework pkcs15 {{
    use_file_caching = {caching};
    file_cache_dir = {cache};
  }}
}}
"""


def module() -> Path | None:
    """OpenSC's PKCS#11 module, where Debian puts it; None when it is not installed."""
    return next((found for place in PLACES for found in sorted(Path("/").glob(place))), None)


def missing() -> str | None:
    """What must be installed, or None."""
    return None if module() else "needs opensc (its PKCS#11 module)"


def measure(lap: Callable[[], "Count"], daemon: PrivatePcscd, folder: Path, pin: str) -> "dict[str, Count | None]":
    """Phase -> cost. ``lap`` tells what passed since it was called last.

    Raises:
        SimulatorError: the module cannot even find the card.
    """
    cold = _run(lap, _environment(daemon, folder, caching=False), pin)
    if "identify" not in cold:
        raise SimulatorError("OpenSC did not find the card")
    cached = _environment(daemon, folder, caching=True)
    _run(lap, cached, None)  # fills the cache
    known = _run(lap, cached, None)
    return {
        "identify_cold": cold["identify"],
        "identify_known": known.get("identify"),
        "login": cold.get("login"),
        "sign_one": cold.get("sign_one"),
        "sign_ten": cold.get("sign_ten"),
    }


def _environment(daemon: PrivatePcscd, folder: Path, *, caching: bool) -> dict[str, str]:
    home = folder / ("cached" if caching else "plain")
    home.mkdir(exist_ok=True)
    file = home / "opensc.conf"
    file.write_text(CONFIGURATION.format(caching="public" if caching else "no", cache=home / "cache"))
    return {**daemon.environment, "HOME": str(home), "OPENSC_CONF": str(file)}


def _run(lap: Callable[[], "Count"], environment: dict[str, str], pin: str | None) -> "dict[str, Count]":
    """One process of a PKCS#11 client: it names each phase it has done, and waits until that is counted."""
    words = [sys.executable, "-m", "appliance.tools.pkcs11", str(module()), *([pin] if pin else [])]
    counts: dict[str, Count] = {}
    lap()
    with subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None or child.stderr is None:
            raise SimulatorError("no pipes")
        for line in child.stdout:
            counts[line.strip()] = lap()
            child.stdin.write("\n")
            child.stdin.flush()
        complaint = child.stderr.read().strip()
    if complaint:
        sys.stderr.write(f"OpenSC: {complaint.splitlines()[-1]}\n")
    lap()
    return counts
