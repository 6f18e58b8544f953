"""It must show, 3: the count of VERIFY that every journey ends with fails for a build that retries."""

from pathlib import Path

import pytest
from journey_kit import PIN, WRONG, check_one_verify_per_hash, comes, missing, standing_bench

BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.parametrize(("pin", "left"), [(WRONG, 1), (PIN, 3)])
def test_a_build_that_retries_is_found(folder, monkeypatch, pin, left):
    if reason := missing():
        pytest.skip(reason)
    monkeypatch.setenv("PYTHONPATH", str(BENCH))
    with standing_bench(folder, module="retrying_vault") as bench:
        bench.insert()
        replies = bench.ask("Repos de 3 jours.")
        bench.person.agrees()
        bench.person.enters(pin)
        for phase in ("accepted", "awaiting-consent", "awaiting-pin", "signing"):
            comes(replies, phase)
        bench.person.sees("Code faux" if pin == WRONG else "Signé")
        with pytest.raises(AssertionError, match="2 VERIFY for 1 presses of #"):
            check_one_verify_per_hash([bench.card], bench.person.hashes)
        assert bench.card.counters[1].left == left
