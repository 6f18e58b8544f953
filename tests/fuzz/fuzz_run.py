"""``make fuzz``: each target under atheris, so many runs each; the figures as JSON on the last line.

    fuzz_run.py [--runs 1000000] [--corpus FOLDER] [TARGET ...]

A target is a process of its own, because libFuzzer ends the process it runs in. What it finds stays in the corpus
folder as ``found-TARGET-…``; put it into ``found/`` here, where ``make test`` replays it for ever.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_LENGTH = {"identify-cps3": 8192, "identify-cps4": 8192, "certificate": 4096, "link": 4096}
DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)
COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


def fuzz(target: str, runs: int, corpus: Path) -> dict[str, int | bool]:
    """One target; what it did."""
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        sys.executable, __file__, "--inside", target, "--", f"-runs={runs}", "-print_final_stats=1", "-timeout=10",
        f"-max_len={MAX_LENGTH.get(target, 320)}", f"-artifact_prefix={corpus}/found-{target}-", str(folder),
    ]  # fmt: skip
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    ended, covered = DONE.search(done.stderr), COVERED.findall(done.stderr)
    if ended is None:
        sys.stderr.write(done.stderr[-4000:] + done.stdout[-2000:])
    return {
        "runs": int(ended[1]) if ended else 0,
        "seconds": int(ended[2]) if ended else 0,
        "features": int(covered[-1][1]) if covered else 0,
        "corpus": int(covered[-1][2]) if covered else 0,
        "clean": done.returncode == 0,
    }


def inside(target: str, words: list[str]) -> None:
    """In the child: never returns."""
    import atheris  # noqa: PLC0415 - installed by `make fuzz` only

    with atheris.instrument_imports(include=["appliance.card"]):
        import fuzz_targets  # noqa: PLC0415 - instrumented while it is imported

    seed = Path(words[-1]) / "seed"
    seed.write_bytes(fuzz_targets.seeds()[target])
    atheris.Setup([__file__, *words], fuzz_targets.TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2], sys.argv[4:])
        return 1
    import fuzz_targets  # noqa: PLC0415 - in the child it must come in under instrumentation

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--corpus", type=Path, help="kept there; else thrown away")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for target in args.targets or fuzz_targets.TARGETS:
            results[target] = fuzz(target, args.runs, args.corpus or Path(folder))
            print(f"{target}: {results[target]}", flush=True)
    print(json.dumps(results))
    return 0 if all(result["clean"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
