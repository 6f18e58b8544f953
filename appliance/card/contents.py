"""What every CPx card says about itself, read through a ``Face``.

What it is: the scripts both drivers share: codes, keys and certificates, practice situations. What it is not:
counters, or anything a dialect says in its own way. Rule: a key is chosen by its usage and its certificate, never by
its id; where two could serve nobody chooses.

Sources: card-reference §0.3, §3.3-§3.5, §7.4, §8.3.
"""

import dataclasses
from collections.abc import Callable

from appliance.card import activity, pkcs15
from appliance.card.activity import Situation
from appliance.card.certificate import Certificate, Purpose
from appliance.card.files import ODF_SIZE, Face, read_certificate, read_dir, read_list, read_optional
from appliance.card.holder import read_holder
from appliance.card.identity import CardIdentity, Known, Memory
from appliance.card.layout import Application, DataObject, Directory, Key, Layout, Pin
from appliance.card.script import Script
from appliance.errors import CardDataMalformed, CardUnsupported, CertificateInvalid, CommandRefused


@dataclasses.dataclass(frozen=True, slots=True)
class Codes:
    """The application of a card and its two codes: what must be known before counters can be read."""

    application: Application
    directory: Directory
    pin: Pin
    puk: Pin | None


@dataclasses.dataclass(frozen=True, slots=True)
class Chip:
    """What a dialect reads in its own way; as in ``CardIdentity`` and ``Known``."""

    family: str
    serial: str = dataclasses.field(repr=False)
    tries_left: int
    puk_tries_left: int | None
    update: bytes | None = dataclasses.field(default=None, repr=False)


def read_codes(face: Face) -> Script[Codes]:
    """EF.DIR, EF.ODF, EF.AODF: six commands.

    Raises:
        CommandRefused, CardDataMalformed: a file is not there or says nonsense.
    """
    application = pkcs15.parse_dir((yield from read_dir(face)))
    directory = pkcs15.parse_odf((yield from read_list(face, application.odf, "EF.ODF", ODF_SIZE)), application)
    pin, puk = pkcs15.parse_aodf((yield from read_list(face, directory.aodf, "EF.AODF")))
    return Codes(application, directory, pin, puk)


def remembered(memory: Memory, serial: str, recognise: Callable[[Known], Script[Known | None]]) -> Script[Known | None]:
    """The card ``serial`` as it was read before, its counter afresh; None when it must be read from the start.

    A card that refuses what it once granted, or says nonsense where it made sense, is not the one in memory any more.

    Raises:
        CardError: what else ``recognise`` meets.
    """
    known = memory.get(serial)
    if known is None:
        return None
    try:
        return (yield from recognise(known))
    except (CommandRefused, CardDataMalformed):
        return None


def read_known(face: Face, chip: Chip, codes: Codes) -> Script[Known]:
    """EF.PrKDF, EF.CDF and the certificates, as one identity with what was read before.

    Raises:
        CommandRefused, CardDataMalformed: as ``read_codes``.
        CardUnsupported: several keys could serve. CertificateInvalid: a certificate that does not fit its key.
    """
    keys = pkcs15.parse_prkdf((yield from read_list(face, codes.directory.prkdf, "EF.PrKDF")))
    raw = yield from read_cdf(face, codes.directory)
    found = pkcs15.choose(keys, pkcs15.parse_cdf(raw, codes.application))
    signature, signature_certificate = yield from _pick(face, found[0], "signature", {Purpose.SIGNATURE})
    authentication, authentication_certificate = yield from _pick(
        face, found[1], "authentication", {Purpose.AUTHENTICATION, Purpose.OTHER}
    )
    layout = Layout(codes.application, codes.directory, codes.pin, codes.puk, signature, authentication)
    identity = CardIdentity(
        family=chip.family,
        serial=chip.serial,
        layout=layout,
        signature=signature_certificate,
        authentication=authentication_certificate,
        holder=read_holder(signature_certificate),
        tries_left=chip.tries_left,
        puk_tries_left=chip.puk_tries_left,
    )
    return Known(chip.update, raw, identity)


def read_cdf(face: Face, directory: Directory) -> Script[bytes]:
    """EF.CDF as it stands, also to see whether it still says the same."""
    return read_list(face, directory.cdf, "EF.CDF")


def read_data_objects(face: Face, layout: Layout) -> Script[tuple[DataObject, ...]]:
    """The DODF, which identify leaves unread: three commands that only ``practice`` needs.

    Raises:
        CommandRefused, CardDataMalformed: as ``read_codes``.
    """
    path = layout.directory.dodf
    if path is None:
        return ()
    return pkcs15.parse_dodf((yield from read_list(face, path, "EF.DODF")), layout.application)


def read_situations(face: Face, layout: Layout) -> Script[tuple[Situation, ...]]:
    """The practice situations, PIN verified before; of the data objects nothing else is ever selected.

    Raises:
        CommandRefused: 6982, the PIN was not verified or was lost; any other status but 6A82, a hole.
        CardDataMalformed: the DODF says nonsense. A situation that does is kept raw.
    """
    found = []
    for number, path in activity.files((yield from read_data_objects(face, layout)), layout):
        data = yield from read_optional(face, path, "situation")
        situation = activity.parse_situation(number, data) if data else None
        if situation is not None:
            found.append(situation)
    return tuple(found)


def _pick(face: Face, keys: tuple[Key, ...], name: str, wanted: set[Purpose]) -> Script[tuple[Key, Certificate]]:
    """The one key of ``keys`` whose certificate is for this (card-reference §7.4), with its certificate."""
    fit = []
    for key in keys:
        certificate = yield from read_certificate(face, key.certificate, f"{name} certificate")
        if certificate.purpose in wanted and key.size in {None, certificate.key_size}:
            fit.append((key, certificate))
    if not fit:
        raise CertificateInvalid(f"no certificate fits usage and size of the {name} key")
    if len(fit) > 1:  # a technical key beside the real one has a certificate for something else
        fit = [pair for pair in fit if pair[1].purpose is not Purpose.OTHER]
    if len(fit) != 1:
        raise CardUnsupported(f"several keys could be the {name} key")
    return fit[0]
