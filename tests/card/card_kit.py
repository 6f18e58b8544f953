"""Facts of real cards as fixtures, a transcript player, a page that assembles PINs, and a mutation strategy.

Sources: card-reference §2.2, §3.4 (real EF.ATR, EF.SN, AODF), traces/filesystem-dump.txt, traces/cps3-middleware-*.
"""

import dataclasses
from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from appliance.card import pkcs15
from appliance.card.apdu import SecretCommand
from appliance.card.cps3 import Cps3
from appliance.card.identity import CardIdentity, Memory
from appliance.card.layout import Layout
from appliance.card.script import play

AID = bytes.fromhex("E828BD080F8025000001FF0010")
AID_CONTACTLESS = bytes.fromhex("E828BD080F8025000001FF0020")

EF_SN = bytes.fromhex("5A0A8025000001992138450F")
EF_ATR = bytes.fromhex(
    "804301B8460404B0ECC147039401804F088025000001FF0100E01002020104020201040202010002020100780806062B8122F8780282029000"
)
EF_DIR = bytes.fromhex(
    "61324F0DE828BD080F8025000001FF0020500A4350582049415320434C51043F000002730F4F0DE828BD080F8025000001FF0020"
    "612F4F0DE828BD080F8025000001FF001050074350582049415351043F000001730F4F0DE828BD080F8025000001FF0010"
)
EF_ODF = bytes.fromhex("A006300404027002A406300404027005A706300404027006A806300404027001").ljust(64, b"\0")
EF_AODF = bytes.fromhex(
    "3061303F0C1C436F646520706F7274657572206465206C6120636172746520435053030108040102"
    "3019300603020520050030060302064005003007030203080401043003040101"
    "A11930170303040C100A0101020104020108020104800101"
    "0401FF30"
    "5830390C22436F64652064652064C3A9626C6F63616765206465206C6120636172746520435053030108"
    "3010300603020520050030060302064005003003040104A11630140303041D100A0101020108020108020108800102"
).ljust(256, b"\0")
EF_PRKDF = bytes.fromhex(
    "305030200C0C4350535F505249565F5349470302078004010130093007030202040401013020"
    "040EE828BD080F8025000001FF00100103030600400101FF030204B002020081A10A300830020400020208003059302A0C0C"
    "4350535F505249565F415554030205E0040101301330070302000104010130080303060040040101301F040E"
    "E828BD080F8025000001FF001002030205600101FF030204B002020082A10A300830020400020208"
    "00"
).ljust(320, b"\0")
EF_CDF = bytes.fromhex(
    "303E30200C1B43657274696669636174206465205369676E6174757265204350530301083010040E"
    "E828BD080F8025000001FF001001A108300630040402A001"
    "304430260C214365727469666963617420642741757468656E74696669636174696F6E204350530301083010040E"
    "E828BD080F8025000001FF001002A108300630040402A002"
).ljust(320, b"\0")
EF_DODF = bytes.fromhex(
    "302130100C0B4350535F49445F4341524403010830050C03435053A10630040402D101302130100C0B4350535F4E414D455F5053"
    "03010830050C03435053A10630040402D102302130100C0B4350535F4C414E475F505303010830050C03435053A10630040402D103"
    "302130100C0B4350535F494E464F5F505303010830050C03435053A10630040402D104301E300D0C084350535F4441544103010830"
    "050C03435053A10630040402D107302C301B0C124350535F41435449564954595F30315F50530302078004010130050C03435053"
    "A10630040402D120302C301B0C124350535F41435449564954595F30325F50530302078004010130050C03435053A10630040402D121"
).ljust(512, b"\0")

COUNTER_PIN = "7016BF810112A0109A01039B0103A1088C06F3000013FF00"
COUNTER_PUK = "701ABF810216A0149A010A9B010A9D020064A1088C06F3FF00FFFF00"

SELECT_AID = f"00A4040C0D{AID.hex().upper()}"
OK = "9000"


def files() -> dict[str, bytes]:
    """Every directory file by name, as the reference card has them."""
    return {"dir": EF_DIR, "odf": EF_ODF, "aodf": EF_AODF, "prkdf": EF_PRKDF, "cdf": EF_CDF, "dodf": EF_DODF}


def layout(**changed: bytes) -> Layout:
    """The reference card's layout, with some files replaced."""
    raw = files() | changed
    application = pkcs15.parse_dir(raw["dir"])
    directory = pkcs15.parse_odf(raw["odf"], application)
    keys = pkcs15.parse_prkdf(raw["prkdf"])
    signing, authenticating = pkcs15.choose(keys, pkcs15.parse_cdf(raw["cdf"], application))
    return Layout(application, directory, *pkcs15.parse_aodf(raw["aodf"]), signing[0], authenticating[0])


def layout4() -> Layout:
    """The layout of a CPS4: the same files but for the references of the keys (traces §1.7)."""
    found = layout()
    return dataclasses.replace(
        found,
        signature=dataclasses.replace(found.signature, reference=0x10),
        authentication=dataclasses.replace(found.authentication, reference=0x20),
    )


class Transcript:
    """Plays a fixed dialogue: each command must be the next one expected; hex on both sides."""

    def __init__(self, pairs: Iterable[tuple[str, str]], *pins: str) -> None:
        self.pairs = list(pairs)
        self.sent: list[str] = []
        self.pins = pins or ("1234",)

    def __call__(self, apdu: bytes | SecretCommand) -> bytes:
        sent = (assemble(apdu, *self.pins) if isinstance(apdu, SecretCommand) else apdu).hex().upper()
        position = len(self.sent)
        assert position < len(self.pairs), f"unexpected {sent}"
        command, response = self.pairs[position]
        assert sent == command.replace(" ", "").upper()
        self.sent.append(sent)
        return bytes.fromhex(response)

    def close(self) -> None:
        assert len(self.sent) == len(self.pairs), f"never sent: {self.pairs[len(self.sent) :]}"


def assemble(command: SecretCommand, *pins: str) -> bytes:
    """What the locked page does, for tests: slot n holds pins[n]."""
    body = b""
    for block in command.blocks:
        digits = pins[block.slot].encode()
        assert len(digits) <= block.length
        body += digits if block.pad is None else digits.ljust(block.length, bytes((block.pad,)))
    return command.header() + bytes((len(body),)) + body


def carrier(transmit: Callable[[bytes], bytes], *pins: str, lengths: list[int] | None = None):
    """A reader for ``script.play``: assembles secrets (slot n holds pins[n]), notes the length of every APDU."""

    def carry(apdu: bytes | SecretCommand) -> bytes:
        raw = assemble(apdu, *(pins or ("1234",))) if isinstance(apdu, SecretCommand) else apdu
        if lengths is not None:
            lengths.append(len(raw))
        return transmit(raw)

    return carry


def identified(carry: Callable[[bytes | SecretCommand], bytes], memory: Memory | None = None) -> CardIdentity:
    """What the CPS3 driver finds on a card nobody knows, or one of ``memory``."""
    return play(Cps3().identify(memory or {}), carry).identity


def reads(content: bytes, first: int | None = None, chunk: int = 0xE7) -> list[tuple[str, str]]:
    """READ BINARY pairs that bring ``content`` whole, in chunks."""
    pairs, at = [], 0
    while at < len(content):
        size = min(first if at == 0 and first else chunk, len(content) - at)
        wanted = chunk if at == 0 and first is None else size
        pairs.append((f"00B0{at:04X}{wanted:02X}", content[at : at + size].hex() + OK))
        at += size
    return pairs


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """``original`` with a few bytes changed, removed, added, or its end cut off."""
    data = bytearray(original)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("set", "cut", "insert", "drop"))):
            case "set" if data:
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(max_size=4))
            case _:
                del data[at : at + draw(st.integers(0, 4))]
    return bytes(data)
