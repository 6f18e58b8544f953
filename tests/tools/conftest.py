import pytest
from card_bench import Bench

from appliance.simulator import pcscd


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    reason = pcscd.missing()
    if reason:
        pytest.skip(reason)
    with pcscd.PrivatePcscd(tmp_path_factory.mktemp("pcscd")) as daemon:
        yield Bench(daemon)
