"""Authorities as files: the two folders of the trust directory, and the bundles that authorities are handed out in.

What it is: reading ``production/*.pem`` and ``test/*.pem``, unpacking .p7b, .pem and .cer, and keeping one authority as
a file of its own. What it is not: a decision whom to trust. Rule: a damaged file is named and costs nobody but itself;
an authority that calls itself TEST is a test authority wherever it stands; size and number of files are bounded.
"""

import base64
import binascii
import dataclasses
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from appliance.card.chain_link import Link, read_link
from appliance.errors import CardDataMalformed

PRODUCTION: Final = "production"
TEST: Final = "test"
MAX_FILES: Final = 64
"""Files read of one folder; IGC-Santé has nine authorities."""
MAX_BYTES: Final = 256 * 1024
"""Of one file; a chain of nine as PEM has about 20 kB."""
MODE: Final = 0o644

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_PEM_PKCS7: Final = b"-----BEGIN PKCS7-----"
_SIGNED_DATA: Final = bytes.fromhex("06092A864886F70D010702")  # OID 1.2.840.113549.1.7.2 (RFC 5652 §5.1)
_COMMON_NAME: Final = "2.5.4.3"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One authority of the store, and the file it stands in, relative to the directory."""

    file: str
    link: Link


@dataclasses.dataclass(frozen=True, slots=True)
class Contents:
    """The whole store: authorities once each, and what could not be read (file -> why)."""

    entries: tuple[Entry, ...]
    damaged: tuple[tuple[str, str], ...]


Stamp = tuple[tuple[str, int, int, int], ...]
"""File, inode, time of change in ns, size: the same as before, nothing was changed."""


def stamp(directory: Path) -> Stamp:
    """What the files of the store look like from outside; cheap enough for every card."""
    found = []
    for folder in (PRODUCTION, TEST):
        for file in _files(directory / folder)[0]:
            try:
                stat = file.stat()
            except OSError:  # gone, or a link to nowhere: reading says so
                found.append((f"{folder}/{file.name}", 0, 0, 0))
            else:
                found.append((f"{folder}/{file.name}", stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def read_store(directory: Path) -> Contents:
    """Read both folders; a folder that is not there is empty."""
    entries: dict[bytes, Entry] = {}
    damaged: list[tuple[str, str]] = []
    for folder in (PRODUCTION, TEST):
        files, problem = _files(directory / folder)
        if problem:
            damaged.append((folder, problem))
        for file in files:
            name = f"{folder}/{file.name}"
            try:
                for link in _read(file):
                    test = folder == TEST or calls_itself_test(link)
                    entries.setdefault(link.fingerprint, Entry(name, dataclasses.replace(link, test=test)))
            except OSError as error:
                damaged.append((name, error.strerror or type(error).__name__))
            except CardDataMalformed as error:
                damaged.append((name, str(error)))
    return Contents(tuple(entries.values()), tuple(damaged))


def certificates_in(data: bytes) -> tuple[bytes, ...]:
    """The certificates of a file, DER each: one or more as PEM, one as DER, or a PKCS#7 as DER or PEM.

    Raises:
        CardDataMalformed: there is none.
    """
    if blocks := _PEM.findall(data):
        try:
            return tuple(base64.b64decode(b"".join(block.split()), validate=True) for block in blocks)
        except binascii.Error as error:
            raise CardDataMalformed("not PEM") from error
    pem = _PEM_PKCS7 in data
    if not pem and _SIGNED_DATA not in data[:32]:
        return (data,)
    try:
        found = pkcs7.load_pem_pkcs7_certificates(data) if pem else pkcs7.load_der_pkcs7_certificates(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CardDataMalformed("not PKCS#7 with certificates") from error
    if not found:
        raise CardDataMalformed("PKCS#7 without certificates")
    return tuple(certificate.public_bytes(serialization.Encoding.DER) for certificate in found)


def read_file(file: Path) -> bytes:
    """A file, bounded.

    Raises:
        OSError: it cannot be read.
        CardDataMalformed: it is too large to be a list of authorities.
    """
    with file.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CardDataMalformed(f"more than {MAX_BYTES} bytes")
    return data


def calls_itself_test(link: Link) -> bool:
    """Whether TEST is a word of its name, as in all test chains known (card-reference §7.1)."""
    return any("test" in value.split() for rdn in link.subject for _, value in rdn)


def keep(directory: Path, link: Link) -> Path:
    """Write one authority into the folder it belongs to: whole or not at all, readable by everybody.

    Raises:
        OSError: the disk or the rights refuse.
    """
    folder = directory / (TEST if calls_itself_test(link) else PRODUCTION)
    _open_folder(directory)
    _open_folder(folder)
    file = folder / f"{_slug(link)}-{link.fingerprint.hex()[:16]}.pem"
    body = base64.encodebytes(link.der).decode().replace("\n", "")
    lines = (body[at : at + 64] for at in range(0, len(body), 64))  # RFC 7468 §2
    text = "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
    handle, made = tempfile.mkstemp(prefix=".", suffix=".new", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), MODE)
            stream.flush()
            os.fsync(stream.fileno())
        Path(made).replace(file)
    except OSError:
        Path(made).unlink(missing_ok=True)
        raise
    _sync(folder)
    return file


def _open_folder(folder: Path) -> None:
    """Make a folder that the vault's user can read too, whatever the umask here; one that is there stays as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _sync(folder: Path) -> None:
    """The rename itself on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _slug(link: Link) -> str:
    names = [value for rdn in link.subject for oid, value in rdn if oid == _COMMON_NAME]
    return re.sub(r"[^a-z0-9]+", "-", names[-1] if names else "")[:60].strip("-") or "authority"


def _files(folder: Path) -> tuple[list[Path], str]:
    """The folder's .pem files in order, and what is wrong with the folder; not being there is nothing wrong."""
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix == ".pem" and not file.name.startswith("."))
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], error.strerror or type(error).__name__
    return found[:MAX_FILES], f"more than {MAX_FILES} files: the rest is not read" if len(found) > MAX_FILES else ""


def _read(file: Path) -> list[Link]:
    """All authorities of one file, or none."""
    links = [read_link(der) for der in certificates_in(read_file(file))]
    if not all(link.authority for link in links):
        raise CardDataMalformed("not the certificate of an authority")
    return links
