"""Branch coverage that may not fall, by room. Run by `make test` after pytest: coverage_floor.py FILE.json."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLOOR = 95  # percent, of the lines and of the branches, each

ROOMS = {
    "card": ("card/",),
    "contract": ("contract/",),
    "keypad": ("keypad/",),
    "link": ("link/",),
    "secret": ("secret.py",),
    "signing": ("signing/",),
    "flow": ("vault/flow", "vault/box.py"),
    "journal": tuple(
        f"vault/{name}.py" for name in ("journal", "audit", "database", "holders", "outbox", "records", "requests")
    ),
}


def measure(files: Mapping[str, Any], room: tuple[str, ...]) -> tuple[float, float] | None:
    """Percent of lines and of branches over all files of a room; None when one of its places has no file."""
    found = [[name for name in files if name.startswith(f"appliance/{place}")] for place in room]
    if not all(found):
        return None
    summaries = [files[name]["summary"] for names in found for name in names]
    return (
        _percent(summaries, "covered_lines", "num_statements"),
        _percent(summaries, "covered_branches", "num_branches"),
    )


def _percent(summaries: list[dict[str, int]], covered: str, total: str) -> float:
    every = sum(summary[total] for summary in summaries)
    return 100.0 * sum(summary[covered] for summary in summaries) / every if every else 100.0


def main(report: Path) -> int:
    data = json.loads(report.read_text("utf-8"))
    if not data["meta"]["branch_coverage"]:
        print("coverage: no branches were measured")
        return 1
    below = 0
    print(f"{'coverage':<12}{'lines':>9}{'branches':>10}   floor {FLOOR}%")
    for name, room in ROOMS.items():
        measured = measure(data["files"], room)
        good = measured is not None and min(measured) >= FLOOR
        below += not good
        shown = "not measured" if measured is None else f"{measured[0]:8.2f}%{measured[1]:9.2f}%"
        print(f"{name:<12}{shown:<19}{'' if good else '  <-- below'}")
    return int(below > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
