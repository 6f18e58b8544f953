"""The search for personal data in files (design §2, *Nothing personal at rest*).

What it is: bytes in, findings out; every file under the given folders, the database's log and index included, as raw
bytes, and every value of every SQLite table on top (a long value is cut by page ends in the raw file).
What it is not: proof that nothing is there; it finds what ``forms`` lists, in clear or inside up to ``DEPTH`` layers
of hexadecimal, base64 or zlib/gzip. Encryption hides, and so does raw deflate.
Rule: whatever is added to the forms gets its own case in ``tests/vault/test_at_rest.py``.
"""

import base64
import json
import re
import shutil
import sqlite3
import tempfile
import unicodedata
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DEPTH = 3
MIN_CHARACTERS = 5
INFLATED = 1 << 20
SEPARATOR = b"\xff" * 8

HEX_RUN = re.compile(rb"[0-9A-Fa-f]{10,}")
# A line break inside a run, as itself or as JSON writes it, does not end it (PEM, MIME).
BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{6,}(?:(?:\r?\n|(?:\\r)?\\n)[A-Za-z0-9+/_-]+)*")
BREAKS = re.compile(rb"\r?\n|(?:\\r)?\\n")
DEFLATED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
URL_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where, and how it was written: ``form`` reads from the outside in, ``"base64 > hex > utf-8"``.

    ``place`` is the file, with the table and column when the value was read through SQLite; ``offset`` is that of the
    needle, or of the outermost run it was decoded from. ``what`` is the label of the needle, never its text.
    """

    place: str
    offset: int
    form: str
    what: str


@dataclass(frozen=True, slots=True)
class Needle:
    """One thing that must not be found, in every form."""

    what: str
    forms: tuple[tuple[str, bytes], ...]


def text_needle(what: str, text: str) -> Needle:
    """A needle for a name or an identifier, in capitals, small letters and without accents too.

    Raises:
        ValueError: too short to mean anything when found.
    """
    if len(text) < MIN_CHARACTERS:
        raise ValueError(f"{what}: at least {MIN_CHARACTERS} characters")
    unaccented = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    spellings = {text, unaccented}
    spellings |= {change(spelling) for spelling in set(spellings) for change in (str.upper, str.lower, str.title)}
    spellings.add(unicodedata.normalize("NFD", text))
    written: dict[bytes, str] = {}
    for spelling in sorted(spellings):
        for form, data in _encoded(spelling):
            written.setdefault(data, form)
    return _needle(what, written)


def bytes_needle(what: str, data: bytes) -> Needle:
    """A needle for bytes, such as a certificate's DER."""
    return _needle(what, {data: "bytes"})


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    yield "utf-8", text.encode()
    if all(ord(character) < 256 for character in text):
        yield "latin-1", text.encode("latin-1")
    yield "utf-16-le", text.encode("utf-16-le")
    yield "utf-16-be", text.encode("utf-16-be")
    yield "json", json.dumps(text)[1:-1].encode()
    yield "percent", quote(text).encode()


def _needle(what: str, written: dict[bytes, str]) -> Needle:
    forms: dict[bytes, str] = dict(written)
    for data, form in written.items():
        for data_form, coded in _armoured(data):
            forms.setdefault(coded, f"{data_form} > {form}")
    return Needle(what, tuple((form, data) for data, form in forms.items()))


def _armoured(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Hexadecimal in both cases, and the part of the base64 that does not depend on what stands around, three times."""
    yield "hex", data.hex().encode()
    yield "HEX", data.hex().upper().encode()
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data).rstrip(b"=")
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        yield f"base64+{before}", coded[first:last]
        yield f"base64url+{before}", coded[first:last].replace(b"+", b"-").replace(b"/", b"_")


def search(folders: Iterable[Path], needles: Iterable[Needle]) -> list[Finding]:
    """Every needle in every regular file under the folders; a file that cannot be read is an ``OSError``."""
    wanted = tuple(needles)
    found: list[Finding] = []
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = file.read_bytes()
            found += search_bytes(str(file), data, wanted)
            if data.startswith(SQLITE_MAGIC):
                found += _search_tables(file, wanted)
    return found


def search_bytes(place: str, data: bytes, needles: Iterable[Needle]) -> list[Finding]:
    """Every needle in ``data``, in clear and inside whatever can be decoded from it."""
    found: list[Finding] = []
    layer = _Layer.of(data)
    for depth in range(DEPTH + 1):
        for needle in needles:
            for form, coded in needle.forms:
                at = layer.data.find(coded)
                if at >= 0:
                    offset, path = layer.origin(at)
                    found.append(Finding(place, offset, path + form, needle.what))
        if depth < DEPTH:
            layer = layer.decoded()
    return found


@dataclass(frozen=True, slots=True)
class _Layer:
    """All pieces of one depth in one buffer, so that each form is looked for once."""

    data: bytes
    starts: tuple[int, ...]
    origins: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, data: bytes) -> "_Layer":
        return cls(data, (0,), ((0, ""),))

    def origin(self, at: int) -> tuple[int, str]:
        index = bisect_right(self.starts, at) - 1
        offset, path = self.origins[index]
        return (offset, path) if path else (at, "")

    def decoded(self) -> "_Layer":
        pieces: list[bytes] = []
        starts: list[int] = []
        origins: list[tuple[int, str]] = []
        at = 0
        for start, form, piece in _pieces(self.data):
            offset, path = self.origin(start)
            pieces.append(piece)
            starts.append(at)
            origins.append((offset, f"{path}{form} > "))
            at += len(piece) + len(SEPARATOR)
        return _Layer(SEPARATOR.join(pieces), tuple(starts), tuple(origins)) if pieces else _Layer.of(b"")


def _pieces(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Whatever of ``data`` decodes, at every alignment, with where it started and how it was written."""
    for run in HEX_RUN.finditer(data):
        for skip in range(2):
            digits = run[0][skip:]
            yield run.start(), "hex", bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
    for run in BASE64_RUN.finditer(data):
        letters = BREAKS.sub(b"", run[0]).translate(URL_TO_STANDARD)
        for skip in range(4):
            part = letters[skip:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            yield run.start(), "base64", base64.b64decode(part + b"=" * (-len(part) % 4))
    for mark in DEFLATED.finditer(data):
        yield mark.start(), "zlib", _inflated(data, mark.start())


def _inflated(data: bytes, start: int) -> bytes:
    """What comes out before the stream ends or breaks."""
    stream = zlib.decompressobj(wbits=47)  # 32 + 15: zlib or gzip by its own header
    out = b""
    for at in range(start, len(data), 512):
        try:
            out += stream.decompress(data[at : at + 512], INFLATED)
        except zlib.error:
            break
        if stream.eof or len(out) > INFLATED:
            break
    return out


def _search_tables(file: Path, needles: tuple[Needle, ...]) -> Iterator[Finding]:
    """Every value as SQLite reads it, from a copy: the original may be in use, and must not be touched."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        for suffix in ("", "-wal"):
            source = file.with_name(file.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for table in (name.decode() for (name,) in tables):
                cursor = connection.execute(f'SELECT * FROM "{table}"')
                columns = [column[0] for column in cursor.description]
                values: dict[str, list[bytes]] = {column: [] for column in columns}
                for row in cursor:
                    for column, value in zip(columns, row, strict=True):
                        if value is not None:
                            values[column].append(value if isinstance(value, bytes) else str(value).encode())
                for column in columns:
                    yield from search_bytes(f"{file} {table}.{column}", SEPARATOR.join(values[column]), needles)
