"""What the tests of this folder ask of a scene, and the line each point leaves in the summary.

What it is: assertions. What it is not: a way to a point; the tests are. Rule: what pcscd keeps is measured and never
judged: vpcd is not a USB reader's driver.
"""

from collections.abc import Callable, Iterable

import residue_core
from residue_bench import Bench, Scene
from residue_forms import Trace

Report = Callable[[str], None]


def tell(report: Report, bench: Bench, scene: Scene, point: str, found: Iterable[Trace]) -> None:
    """A line of the summary."""
    kept = "gone" if scene.pcscd is None else _spell(bench, scene.pcscd.of(*bench.parts))
    report(f"{bench.memory:13} {point:34} ours: {_spell(bench, found)} · vpcd driver: {kept}")


def judge(report: Report, bench: Bench, scene: Scene, point: str, page: Iterable[str] = ()) -> None:
    """Whatever was ever typed on this bench is nowhere in what is ours, but for the numbers now in the page."""
    found = scene.ours(*bench.parts)
    tell(report, bench, scene, point, found)
    check_all_was_searched(bench, scene)
    readable = [] if bench.memory == "memfd_secret" else sorted(set(page))
    assert found == [Trace(label, "locked page", "ASCII", len(bench.search.number(label))) for label in readable]
    if scene.vault:
        assert scene.vault.of(*bench.parts) == found


def check_all_was_searched(bench: Bench, scene: Scene) -> None:
    """The kernel keeps nothing back but what it must."""
    assert scene.gateway.closed == scene.files.closed == ()
    if scene.pcscd:
        assert scene.pcscd.closed == ()
    if scene.vault:
        assert scene.vault.closed == (("secret page",) if bench.memory == "memfd_secret" else ())


def core(bench: Bench, maker: str, report: Report, point: str) -> set[tuple[str, int]]:
    """(form, digits) of what a core dump of the vault holds at this moment."""
    file = bench.folder / "core"
    with bench.stopped() as pids:
        residue_core.MAKERS[maker](pids["vault"], file)
        traces = bench.search.core(file, pids["vault"]).of(*bench.parts)
    found = {(trace.form, trace.digits) for trace in traces}
    report(f"{bench.memory:13} {point:34} core by {maker}, {file.stat().st_size / 1e6:.0f} MB: {sorted(found) or 0}")
    file.unlink()
    return found


def last(replies: Iterable[dict]) -> dict:
    """The final reply."""
    *_, reply = replies
    return reply


def _spell(bench: Bench, traces: Iterable[Trace]) -> str:
    """What was found, by what it was: never a number."""
    return ", ".join(sorted({f"{bench.parts[t.what]} {t.form} {t.digits} in {t.place}" for t in traces})) or "0"
