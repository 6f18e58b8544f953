"""EF_ACTUA: begun and ended, begun and not ended, and anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.card import tlv
from appliance.card.actua import check_update
from appliance.errors import CardDataMalformed, UpdateInterrupted

BEGIN, END = "20260301120000", "20260301120130"


def actua(begin=None, end=None):
    fields = [tlv.write(tag, bytes.fromhex(value)) for tag, value in ((0x81, begin), (0x82, end)) if value is not None]
    return tlv.write(0xEC, b"".join(fields))


@pytest.mark.parametrize(
    "data",
    [
        actua(BEGIN, END),
        actua(BEGIN, BEGIN),
        actua(BEGIN, END) + bytes(20),
        actua("0" * 14, "0" * 14),
        actua(None, END),
        actua("", END),
        actua(),
        b"",
        bytes(40),
        tlv.write(0xEE, b""),  # another object: nothing is said about updates
    ],
)
def test_nothing_in_the_way(data):
    check_update(data)


@pytest.mark.parametrize(
    "data",
    [
        actua(BEGIN, "0" * 14),
        actua(BEGIN, None),
        actua(BEGIN, ""),
        actua(BEGIN, "20260301115959"),  # ended before it was begun
        actua(BEGIN, "20261301120130"),  # no such month
        actua(BEGIN, "2026030112013A"),
        actua(BEGIN, "2026030112"),
        actua("FFFFFFFFFFFFFF", END),
        actua("20260230000000", END),  # no such day
    ],
)
def test_an_update_that_was_cut_off(data):
    with pytest.raises(UpdateInterrupted):
        check_update(data)


def test_no_tlvs():
    with pytest.raises(CardDataMalformed):
        check_update(b"\xec\x20\x81")


@given(
    st.binary(max_size=60)
    | st.tuples(st.binary(max_size=9), st.binary(max_size=9)).map(lambda p: actua(p[0].hex(), p[1].hex()))
)
def test_any_bytes_are_judged(data):
    try:
        check_update(data)
    except (CardDataMalformed, UpdateInterrupted):
        return
