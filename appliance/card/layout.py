"""What a card says about itself, as frozen shapes.

What it is: the result types of ``pkcs15.py``. What it is not: parsing. Rule: paths are absolute, from ``3F00``;
references and lengths are the card's own, nothing is a default of ours.

Source: ISO 7816-15 §8 (the objects), card-reference §3.4, §3.5 (as real cards fill them).
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """An entry of EF.DIR: its AID, the absolute path of its DF, its label, the absolute path of its ODF."""

    aid: bytes
    path: bytes
    label: str
    odf: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Directory:
    """EF.ODF: absolute paths of the directory files; ``dodf`` may be missing."""

    prkdf: bytes
    cdf: bytes
    aodf: bytes
    dodf: bytes | None


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """A PIN or PUK as its AODF entry describes it.

    Lengths are in digits, ``stored_length`` in bytes; the keypad obeys min and max before anything is sent.
    ``pad`` is the byte that fills the field up, None when the card wants the bare digits (traces §4).
    """

    reference: int
    min_length: int
    stored_length: int
    max_length: int
    pad: int | None
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class PrivateKey:
    """A PrKDF entry: its reference for MSE, its id, its usage bits (KeyUsageFlags), modulus length in bits."""

    reference: int
    ident: bytes
    usage: frozenset[int]
    size: int | None
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class CertificateEntry:
    """A CDF entry: id shared with the key, absolute path of the file."""

    ident: bytes
    path: bytes
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class DataObject:
    """A DODF entry: label, absolute path, whether the PIN is needed to read it."""

    label: str
    path: bytes
    protected: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key in use: reference for MSE, modulus length in bits where stated, path of its certificate."""

    reference: int
    size: int | None
    certificate: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """All the flow and the driver need to know of one card; from public files only."""

    application: Application
    directory: Directory
    pin: Pin
    puk: Pin | None
    signature: Key
    authentication: Key

    @property
    def aid(self) -> bytes:
        """AID of the application that holds the keys."""
        return self.application.aid
