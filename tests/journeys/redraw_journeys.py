"""``make journeys``: docs/journeys.md and the strips beside it, from the files and from a run of each that is pictured.

Look at the difference before you commit: what changed on a strip changed on the box.
"""

import shutil
import sys
import tempfile
from pathlib import Path

for room in ("journeys", "bench"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))
import script_papers as papers  # noqa: E402 - beside this file, which pytest's path is not known to
from script_kit import standing_stage  # noqa: E402 - same

from appliance.simulator.journeys.journey import journeys  # noqa: E402 - same


def main() -> int:
    """Draw everything again."""
    every = journeys()
    papers.PAGE.write_text(papers.page(every), "utf-8")
    papers.STRIPS.mkdir(exist_ok=True)
    wanted = {journey.name for journey in every if journey.pictures}
    for file in papers.STRIPS.glob("*.png"):
        if file.stem not in wanted:
            file.unlink()
    folder = Path(tempfile.mkdtemp(prefix="cps-strips-"))
    with standing_stage(folder, "desk", folder / "rows", module="appliance.simulator.vault") as stage:
        for journey in every:
            if journey.pictures:
                pictures = papers.distinct(stage.play(journey))
                file = papers.STRIPS / f"{journey.name}.png"
                if not papers.tells(file, pictures):  # a later hour on the clock is no change
                    papers.strip(pictures).save(file, optimize=True)
                    print(f"{journey.name}: {len(pictures)} frames")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
