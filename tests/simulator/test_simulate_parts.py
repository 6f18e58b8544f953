"""The parts of ``appliance simulate`` that need no process."""

import os
import pty
import signal
import socket
import termios
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from terminal_kit import decode

from appliance.errors import SimulatorError
from appliance.simulator.faults import FaultyCard
from appliance.simulator.hands import ACTIONS, KEYPAD
from appliance.simulator.keyboard import ESCAPE, Keyboard, keys
from appliance.simulator.panes import PLAIN, Painter, Text, View, clean, draw, lay_out
from appliance.simulator.pki import TestPki
from appliance.simulator.simulate import HELP, QUIT, find_reader, listening
from appliance.simulator.softcps3 import SoftCps3
from appliance.simulator.tray import DeskTray, Tray, VirtualTray
from appliance.simulator.wake import Wake


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (b"", []),
        (b"12\r", ["1", "2", "\r"]),
        (b"\x1b", [ESCAPE]),
        (b"\x1b\x1b", [ESCAPE, ESCAPE]),
        (b"\x1b[A1\x1bOP2\x1b[15~3", ["1", "2", "3"]),
        (b"\x1bq", []),  # Alt
        ("é\xff".encode() + b"\xff", ["é", "ÿ"]),
    ],
)
def test_keys_are_told_apart(typed, wanted):
    assert keys(typed) == wanted


@given(st.binary(max_size=40))
def test_whatever_is_typed_is_single_characters(typed):
    assert all(len(key) == 1 for key in keys(typed))


def test_every_key_has_one_meaning():
    meanings = [*KEYPAD, *ACTIONS, *QUIT, HELP]
    assert len(meanings) == len(set(meanings))
    assert set(KEYPAD.values()) == set("0123456789ABCD*#")
    assert (KEYPAD["\r"], KEYPAD["\x7f"], KEYPAD[ESCAPE]) == ("#", "*", "D")  # design §5


def test_a_key_is_read_and_the_end_of_a_terminal_is_none():
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with Keyboard(slave) as keyboard:
        os.write(master, b"\x03i")
        assert keyboard.read() == ["\x03", "i"]
    assert termios.tcgetattr(slave) == before
    with Keyboard(slave) as keyboard:
        os.close(master)
        assert keyboard.read() is None
    os.close(slave)


PICTURE = Image.effect_noise((128, 64), 90).point(lambda level: 255 * (level > 128), mode="1")
TEXTS = st.lists(st.builds(Text, st.just(PLAIN), st.text(max_size=200)), max_size=40)


@given(TEXTS, TEXTS, st.integers(1, 200), st.integers(1, 70))
def test_no_row_is_longer_than_the_terminal_is_wide(side, log, columns, rows):
    view = View("title", PICTURE, side, (Text(PLAIN, "state" * 50),), [Text(PLAIN, "help")], log)
    laid = lay_out(view, columns, rows)
    assert len(laid) in (1, rows)
    assert all(sum(len(text) for _, text in row) <= columns for row in laid)


@given(st.text())
def test_a_message_cannot_steer_the_terminal(text):
    assert len(clean(text)) == len(text)
    assert clean(text).isprintable()


@pytest.mark.parametrize(("columns", "rows", "height"), [(80, 20, 16), (144, 40, 32), (143, 60, 16), (200, 39, 16)])
def test_the_picture_is_as_large_as_there_is_room(columns, rows, height):
    drawn = draw(PICTURE, columns, rows).split("\n")
    assert len(drawn) == height
    assert decode(drawn).tobytes() == PICTURE.tobytes()


def test_only_what_changed_is_drawn(monkeypatch):
    size = [80, 24]
    monkeypatch.setattr("appliance.simulator.panes.os.get_terminal_size", lambda _: tuple(size))
    reads, writes = os.pipe()  # it holds more than a screen; a pty would want to be read meanwhile
    os.set_blocking(reads, False)

    def drawn(*log):
        painter.draw(View("title", PICTURE, [], (Text(PLAIN, "state"),), [], [Text(PLAIN, line) for line in log]))
        try:
            return os.read(reads, 65536).decode()
        except BlockingIOError:
            return ""

    with Painter(writes) as painter:
        assert drawn("one").count("\x1b[K") == 24
        assert drawn("one") == ""
        changed = drawn("one", "two")
        assert changed.count("\x1b[K") == 1
        assert "two" in changed
        assert "one" not in changed
        size[:] = 100, 30
        assert drawn("one", "two").count("\x1b[K") == 30
    assert os.read(reads, 100).decode().endswith("\x1b[?1049l")
    os.close(reads)
    os.close(writes)


def test_a_reader_is_found_by_its_name_or_a_part_of_it():
    names = ["Reader 00 01", "Reader 00", "Other 00 00"]
    assert find_reader("Reader 00", names) == "Reader 00"
    assert find_reader("Reader", names) == "Reader 00 01"
    with pytest.raises(SimulatorError, match=r"no reader 'X'; pcscd has these:\n  Reader 00 01\n"):
        find_reader("X", names)
    with pytest.raises(SimulatorError, match="pcscd has none"):
        find_reader("X", [])


def test_what_to_type_to_listen():
    assert listening("mqtts://[::1]").startswith("mosquitto_sub -V mqttv5 -h ::1 -p 8883 ")


def test_hands_off_a_card_that_is_not_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(tmp_path))
    with Tray() as tray:
        assert (tray.path, tray.inside, tray.plugged) == (tmp_path, None, True)
        for movement in (tray.insert, tray.remove, tray.own):
            with pytest.raises(SimulatorError, match="not ours"):
                movement()
        with pytest.raises(SimulatorError, match="unplugged"):
            tray.plug()


def test_our_card_goes_in_and_out_of_the_desks_reader(tmp_path):
    with DeskTray(tmp_path / "pcscd", FaultyCard(SoftCps3(TestPki.generate()))) as tray:
        assert tray.inside is False
        tray.insert()
        assert tray.inside is True
        with pytest.raises(SimulatorError, match="a card in the slot"):
            tray.insert()
        tray.plug()
        assert (tray.plugged, tray.inside) == (False, True)
        tray.plug()
        tray.remove()
        tray.remove()
        assert (tray.plugged, tray.inside) == (True, False)


def test_without_vpcd_our_card_stays_out(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("appliance.simulator.vpcd.socket.create_connection", refuse)
    with VirtualTray(FaultyCard(SoftCps3(TestPki.generate()))) as tray:
        with pytest.raises(SimulatorError, match="no vpcd"):
            tray.insert()
        assert tray.inside is False


def test_a_card_is_out_when_the_virtual_reader_goes(monkeypatch):
    gone = threading.Event()
    dial = socket.create_connection
    with socket.create_server(("127.0.0.1", 0)) as vpcd:
        monkeypatch.setattr(
            "appliance.simulator.vpcd.socket.create_connection", lambda *_, **__: dial(vpcd.getsockname())
        )
        card = FaultyCard(SoftCps3(TestPki.generate()))
        with VirtualTray(card) as tray:
            monkeypatch.setattr(tray._slot, "_on_close", lambda: (tray._lose(), gone.set()))
            tray.insert()
            assert tray.inside is True
            with pytest.raises(SimulatorError, match="a card in the slot"):
                tray.insert()
            vpcd.accept()[0].close()
            assert gone.wait(10)
            assert tray.inside is False


def test_a_signal_wakes_and_its_handler_goes_again():
    before = signal.getsignal(signal.SIGTERM)
    with Wake() as wake:
        signal.raise_signal(signal.SIGWINCH)
        wake.drain()
        assert not wake.ended
        signal.raise_signal(signal.SIGTERM)
        assert wake.ended
    assert signal.getsignal(signal.SIGTERM) is before
    wake.poke()
