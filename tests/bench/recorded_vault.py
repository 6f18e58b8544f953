"""A vault that writes down which rows of the flow's tables were taken, and is otherwise the one on the desk.

What it is: started as ``python -m recorded_vault`` in place of ``appliance.simulator.vault``; each row is one line of
the file that ``CPS_ROWS`` names, ``state event`` or ``* event``, once a process and at once, so that a kill loses none.
What it is not: anything the product ships or can be told to do: the rows themselves are called as they stand.
"""

import os
import sys
from pathlib import Path

from appliance.simulator.vault import main
from appliance.vault import flow

ANY = "*"
"""In the place of the state: a row of ``flow.ALWAYS``."""


def rows() -> set[str]:
    """Every row of the tables."""
    own = {f"{state.value} {event.__name__}" for state, table in flow.TABLE.items() for event in table}
    return own | {f"{ANY} {event.__name__}" for event in flow.ALWAYS}


def record(file: Path) -> None:
    """Have every row write its name into ``file`` when it is first taken."""
    seen = set()

    def recorded(name, row):
        def taken(box, event, now):
            if name not in seen:
                seen.add(name)
                with file.open("a") as lines:
                    lines.write(f"{name}\n")
            return row(box, event, now)

        return taken

    flow.TABLE = {
        state: {event: recorded(f"{state.value} {event.__name__}", row) for event, row in table.items()}
        for state, table in flow.TABLE.items()
    }
    flow.ALWAYS = {event: recorded(f"{ANY} {event.__name__}", row) for event, row in flow.ALWAYS.items()}


if __name__ == "__main__":
    record(Path(os.environ["CPS_ROWS"]))
    sys.exit(main())
