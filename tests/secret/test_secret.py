import ctypes
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import secret as room
from appliance.errors import SecretError
from appliance.secret import CAPACITY, Block, Secret, Slot

VERIFY = bytes((0x00, 0x20, 0x00, 0x01))


@pytest.fixture(params=["memfd_secret", "locked"])
def page(request, monkeypatch):
    if request.param == "locked":
        monkeypatch.setattr(room, "_secret_memory", lambda: None)
    page = Secret()
    assert page.kind in {request.param, "locked"}
    yield page
    page.close()


def type_digits(page, slot, digits):
    for digit in digits:
        assert page.push(slot, int(digit))


def read(address, length):
    return ctypes.string_at(address, length)


def test_padded_verify_is_the_one_of_the_card_reference(page):
    type_digits(page, Slot.OLD, "1234")
    with page.command(VERIFY, [Block(Slot.OLD, 8, 0xFF)]) as (address, length):
        assert read(address, length) == bytes.fromhex("00200001 08 31323334FFFFFFFF")


def test_two_fields_and_bare_digits(page):
    type_digits(page, Slot.OLD, "1234")
    type_digits(page, Slot.NEW, "56789")
    with page.command(VERIFY, [Block(Slot.OLD, 8, 0xFF), Block(Slot.NEW, 8, None)]) as (address, length):
        assert read(address, length) == VERIFY + bytes.fromhex("0D 31323334FFFFFFFF 3536373839")


def test_command_is_wiped_whatever_happens_inside(page):
    type_digits(page, Slot.OLD, "1234")
    with pytest.raises(RuntimeError), page.command(VERIFY, [Block(Slot.OLD, 8, 0xFF)]) as (address, length):
        raise RuntimeError
    assert read(address, length) == bytes(length)
    assert page.length(Slot.OLD) == 0
    assert read(page._address, room.PAGE) == bytes(room.PAGE)


def test_a_slot_not_in_the_command_survives_it(page):
    type_digits(page, Slot.OLD, "1234")
    type_digits(page, Slot.NEW, "5678")
    with page.command(VERIFY, [Block(Slot.OLD, 8, 0xFF)]):
        pass
    assert (page.length(Slot.OLD), page.length(Slot.NEW)) == (0, 4)


def test_full_slot_refuses_and_keeps_what_it_has(page):
    type_digits(page, Slot.OLD, "1" * CAPACITY)
    assert not page.push(Slot.OLD, 2)
    assert not page.push(Slot.NEW, 2, 0)
    assert page.length(Slot.OLD) == CAPACITY


@pytest.mark.parametrize("digit", [-1, 10, 256])
def test_only_decimal_digits(page, digit):
    with pytest.raises(SecretError):
        page.push(Slot.OLD, digit)


@pytest.mark.parametrize("digits", ["", "123456789"])
def test_digits_that_do_not_fit_the_field_send_nothing(page, digits):
    type_digits(page, Slot.OLD, digits)
    with pytest.raises(SecretError), page.command(VERIFY, [Block(Slot.OLD, 8, 0xFF)]):
        pytest.fail("assembled")


@pytest.mark.parametrize("pad", [0xFF, None])
def test_fewer_digits_than_the_card_takes_send_nothing(page, pad):
    type_digits(page, Slot.OLD, "123")
    with pytest.raises(SecretError), page.command(VERIFY, [Block(Slot.OLD, 8, pad, 4)]):
        pytest.fail("assembled")
    assert page.length(Slot.OLD) == 0
    type_digits(page, Slot.OLD, "1234")
    with page.command(VERIFY, [Block(Slot.OLD, 8, pad, 4)]) as (_, length):
        assert length == 5 + (4 if pad is None else 8)


@given(st.text("0123456789", max_size=CAPACITY), st.text("0123456789", max_size=CAPACITY))
def test_equal_is_equality_of_what_was_typed(one, other):
    page = Secret()
    try:
        type_digits(page, Slot.NEW, one)
        type_digits(page, Slot.AGAIN, other)
        assert page.equal(Slot.NEW, Slot.AGAIN) == (one == other != "")
    finally:
        page.close()


def test_clear_and_wipe(page):
    type_digits(page, Slot.NEW, "1234")
    page.clear(Slot.NEW)
    assert page.length(Slot.NEW) == 0
    type_digits(page, Slot.AGAIN, "1234")
    page.wipe()
    assert read(page._address, room.PAGE) == bytes(room.PAGE)


def test_it_shows_and_copies_nothing(page):
    type_digits(page, Slot.OLD, "1234")
    assert repr(page) == str(page) == "Secret(***)"
    with pytest.raises(SecretError):
        pickle.dumps(page)


def test_closed_page_is_refused_and_closing_twice_is_fine():
    page = Secret()
    page.close()
    page.close()
    with pytest.raises(SecretError):
        page.push(Slot.OLD, 1)


def test_no_lock_no_page(monkeypatch):
    monkeypatch.setattr(room, "_secret_memory", lambda: None)
    monkeypatch.setattr(room._libc, "mlock", lambda *_: -1)
    with pytest.raises(SecretError):
        Secret()


def test_memfd_secret_absent_falls_back(monkeypatch):
    monkeypatch.setattr(room._libc, "syscall", lambda *_: -1)
    page = Secret()
    assert page.kind == "locked"
    page.close()


def test_memfd_secret_over_the_memory_limit_falls_back(monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(room.os, "ftruncate", refuse)
    page = Secret()
    assert page.kind == "locked"
    page.close()


def test_another_platform_has_no_memfd_secret(monkeypatch):
    monkeypatch.setattr(room.sys, "platform", "other")
    assert room._secret_memory() is None
