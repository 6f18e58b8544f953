"""The search itself: each form of a number is found, also across the pieces it reads, and nothing else is."""

import ctypes
import os
import struct
import subprocess
import sys

import pytest
import residue_core
from residue_forms import DIGITS, LAYOUT, PUK_DIGITS, WINDOW, Numbers, draw, windows
from residue_memory import KERNELS, PIECE, mappings, pieces, singletons
from residue_scan import Search

NUMBER = "738291645372"
SEARCH = Numbers({"it": NUMBER, "other": "111222333444"})
CODES = NUMBER.encode()
VALUES = bytes(int(digit) for digit in NUMBER)

FORMS = {
    "ASCII": CODES,
    "raw 1-9": VALUES,
    "UCS-2": NUMBER.encode("utf-16-le"),
    "UCS-4": NUMBER.encode("utf-32-le"),
    "int16": struct.pack("<12H", *VALUES),
    "int32": struct.pack("<12I", *VALUES),
    "int64": struct.pack("<12Q", *VALUES),
    "int64 codes": struct.pack("<12Q", *CODES),
    "hexadecimal text": CODES.hex().encode(),
    "hexadecimal text, 0x": ", ".join(map(hex, CODES)).encode(),
    "decimal codes": str(list(CODES)).encode(),
    "scattered": str(list(NUMBER)).encode(),
}
SPELLINGS = {
    "hexadecimal text": (CODES.hex(" ").upper().encode(), CODES.hex().encode("utf-16-le")),
    "decimal codes": (str(list(CODES)).encode("utf-32-le"), b"51, 56, 50, 57, 49, 54, 52, 53"),
    "UCS-2": (NUMBER.encode("utf-16-be"),),
    "scattered": (str(list(VALUES)).encode(), b"7\n3\n8\n2\n9\n1\n6\n4"),
}
CASES = [*FORMS.items(), *((form, data) for form in SPELLINGS for data in SPELLINGS[form])]


def forms(data, objects=None):
    return {(trace.what, trace.form) for trace in SEARCH.traces("here", data, objects)}


@pytest.mark.parametrize(("form", "data"), CASES)
def test_residue_form_is_found(form, data):
    assert ("it", form) in forms(b"\xffjunk" + data + b"junk\xff") | forms(data)
    assert {what for what, _form in forms(data)} == {"it"}


@pytest.mark.parametrize("window", windows(NUMBER))
@pytest.mark.parametrize("form", FORMS)
def test_residue_every_window_is_found(form, window):
    at = NUMBER.index(window)
    element = len(FORMS[form]) // DIGITS
    cut = FORMS[form][at * element : (at + WINDOW) * element] if form in EVEN else FORMS_OF[form](window)
    assert forms(cut)
    shorter = cut[: -2 * element] if form in EVEN else FORMS_OF[form](window[:-1])
    assert not forms(shorter)


EVEN = {form for form in FORMS if "text" not in form and form not in {"decimal codes", "scattered"}}
FORMS_OF = {
    "hexadecimal text": lambda digits: digits.encode().hex().encode(),
    "hexadecimal text, 0x": lambda digits: ", ".join(map(hex, digits.encode())).encode(),
    "decimal codes": lambda digits: str(list(digits.encode())).encode(),
    "scattered": lambda digits: str(list(digits)).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_residue_a_puk_is_found_whole(form):
    """Eight digits are one window: a copy that lost one of them is not told from chance."""
    puk = NUMBER[:PUK_DIGITS]
    element = len(FORMS[form]) // DIGITS
    cut = FORMS[form][: PUK_DIGITS * element] if form in EVEN else FORMS_OF[form](puk)
    search = Numbers({"PUK": puk})
    assert {(trace.what, trace.form, trace.digits) for trace in search.traces("here", cut)} == {
        ("PUK", form, PUK_DIGITS)
    }
    assert not search.traces("here", cut[: -2 * element] if form in EVEN else FORMS_OF[form](puk[:-1]))


POINTED = {
    "int values": [int(digit) for digit in NUMBER],
    "int codes": list(CODES),
    "strings": list(NUMBER),
    "bytes": [CODES[at : at + 1] for at in range(DIGITS)],
    "key positions": [LAYOUT.index(digit) for digit in NUMBER],
}


@pytest.mark.parametrize("kind", POINTED)
@pytest.mark.parametrize("skip", [0, 4])
def test_residue_pointers_are_found(kind, skip):
    objects = singletons(os.getpid())
    kept = POINTED[kind][skip:]
    array = struct.pack(f"<{len(kept)}Q", *map(id, kept))
    form = "pointers to key positions" if kind == "key positions" else "pointers"
    assert ("it", form) in forms(bytes(24) + array + bytes(16), objects)
    assert ("it", form) in forms(array + b"end", objects)
    assert not forms(struct.pack(f"<{WINDOW - 1}Q", *map(id, kept[: WINDOW - 1])), objects)


def test_residue_nothing_is_found_in_the_same_digits_in_another_order():
    assert not forms(NUMBER[::-1].encode() + b"~" + bytes(sorted(CODES)))


def test_residue_drawn_numbers_are_random_and_without_zero():
    drawn = {draw() for _ in range(50)}
    assert len(drawn) == 50
    assert all(len(number) == DIGITS and "0" not in number for number in drawn)
    assert len(draw(PUK_DIGITS)) == PUK_DIGITS


@pytest.mark.parametrize("before", [0, 3, 11, 12])
def test_residue_across_two_pieces_is_found(before):
    room = ctypes.create_string_buffer(3 * PIECE)
    start = ctypes.addressof(room)
    mapping = next(one for one in mappings(os.getpid()) if one.start <= start < one.end)
    edge = mapping.start + (start - mapping.start + PIECE - 1) // PIECE * PIECE + PIECE
    ctypes.memmove(edge - before, CODES, DIGITS)
    found = [piece for piece in pieces(os.getpid(), mapping) if CODES in piece]
    assert found
    assert all(("it", "ASCII") in forms(piece) for piece in found)


def test_residue_only_the_kernels_own_mappings_are_closed():
    closed = set()
    for mapping in mappings(os.getpid()):
        if mapping.rights.startswith("r"):
            try:
                next(pieces(os.getpid(), mapping))
            except OSError:
                closed.add(mapping.name)
    assert closed <= KERNELS


CHILD = """
import sys
number = [int(digit) for digit in sys.argv[1]]
text = sys.argv[1]
print(flush=True)
sys.stdin.read()
"""


def test_residue_a_core_is_read_segment_by_segment(tmp_path):
    search = Search()
    number = search.number("number 7")
    file = tmp_path / "core"
    with subprocess.Popen(
        [sys.executable, "-I", "-c", CHILD, number], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        residue_core.write(child.pid, file)
        found = {(trace.form, trace.digits) for trace in search.core(file, child.pid).of("number 7")}
        child.stdin.close()
    assert {("ASCII", DIGITS), ("pointers", DIGITS)} <= found
    file.write_bytes(b"no core")
    with pytest.raises(ValueError, match="ELF"):
        search.core(file, os.getpid())
