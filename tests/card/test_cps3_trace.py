"""The CPS3 driver against recorded dialogues, and against cards that end files and refuse commands in every way."""

import dataclasses
import hashlib

import pytest
from card_folder import Folder
from card_kit import (
    AID,
    COUNTER_PIN,
    COUNTER_PUK,
    EF_AODF,
    EF_CDF,
    EF_DIR,
    EF_ODF,
    EF_PRKDF,
    EF_SN,
    OK,
    SELECT_AID,
    Transcript,
    assemble,
    carrier,
    identified,
    layout,
    mutated,
    reads,
)
from certificate_kit import EXTENSIONS, Profile, certificate, rsa_key
from hypothesis import given
from hypothesis import strategies as st

from appliance.card.apdu import SecretCommand
from appliance.card.contents import read_data_objects
from appliance.card.cps3 import Cps3
from appliance.card.files import MAX_CERTIFICATE
from appliance.card.iasecc import IasEcc
from appliance.card.layout import DataObject
from appliance.card.script import play
from appliance.errors import (
    CardDataMalformed,
    CardError,
    CardMute,
    CardRemoved,
    CardReset,
    CardUnsupported,
    CertificateInvalid,
    CommandRefused,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
    ReaderAbsent,
)

DRIVER = Cps3()
LAYOUT = layout()
HELLO = b"hello CPS signature"
GET_PIN, GET_PUK = "00CB3FFF0A4D087006BF810102A080", "00CB3FFF0A4D087006BF810202A080"
SELECT_MF = ("00A4090C023F00", OK)
VERIFY = "0020000108 31323334FFFFFFFF"


def select(path):
    return (f"00A4090C{len(path) // 2:02X}{path}", OK)


def counters(pin=COUNTER_PIN, puk=COUNTER_PUK):
    for command, answer in ((GET_PIN, pin), (GET_PUK, puk)):
        size = f"{len(answer) // 2:02X}"
        yield from ((command, "61" + size), ("00C00000" + size, answer + OK))


@pytest.fixture(scope="module")
def certificates():
    """As long as those of the traces, 2,199 and 2,211 bytes: ten reads each."""
    long = EXTENSIONS | {"1.2.250.1.71.1.2.6": "00" * 1200}
    found = certificate(extensions=long), certificate(profile=Profile(signature=False), extensions=long)
    assert all(9 * 0xE7 < len(der) <= 10 * 0xE7 for der in found)
    return found


def test_identify_command_by_command(certificates):
    signature, authentication = certificates
    first = 0xE7
    transcript = Transcript(
        [
            select("3F00D003"),
            ("00B000000C", EF_SN.hex() + OK),
            select("3F002F00"),
            ("00B0000065", EF_DIR.hex() + OK),
            select("3F0000015031"),
            ("00B0000040", EF_ODF.hex() + OK),
            select("3F0000017001"),
            ("00B00000E7", EF_AODF[:first].hex() + OK),
            ("00A4090C043F00D010", "6A82"),
            SELECT_MF,
            *counters(),
            select("3F0000017002"),
            ("00B00000E7", EF_PRKDF[:first].hex() + OK),
            select("3F0000017005"),
            ("00B00000E7", EF_CDF[:first].hex() + OK),
            select("3F000001A001"),
            *reads(signature),
            select("3F000001A002"),
            *reads(authentication),
        ]
    )
    found = identified(transcript)
    transcript.close()
    assert len(transcript.sent) == 40  # at most 40 (design §7); the national middleware: 74 (traces §6)
    assert found.family == "cps3"
    assert found.serial == "99213845"
    assert found.layout == LAYOUT
    assert found.signature.der == signature
    assert found.authentication.der == authentication
    assert found.holder.short == "S. DURAND"
    assert (found.tries_left, found.puk_tries_left) == (3, 10)
    assert "SOPHIE" not in repr(found)
    assert "99213845" not in repr(found)


def test_the_signature_of_the_national_middleware_byte_for_byte():
    transcript = Transcript(
        [
            (VERIFY, OK),
            (SELECT_AID, OK),
            ("002241AA03 800140", OK),
            ("002A90A017 9000 8013" + HELLO.hex(), OK),
            ("002241B606 800142840181", OK),
            ("002A9E9A00", "5A" * 256 + OK),
        ]
    )
    play(DRIVER.verify(LAYOUT), transcript)
    assert play(DRIVER.sign(LAYOUT, HELLO), transcript) == b"\x5a" * 256
    transcript.close()


def test_the_last_round_of_the_reference_vector():
    message = bytes(range(100))
    transcript = Transcript(
        [
            (SELECT_AID, OK),
            ("002241AA03800140", OK),
            (
                "002A90A050 9028 FC99A2DF88F42A7A7BB9D18033CDC6A20256755F9D5B9A5044A9CC315ABE84A7 0000000000000200"
                "8024" + message[64:].hex(),
                OK,
            ),
            ("002241B606800142840181", OK),
            ("002A9E9A00", "6100"),
            ("00C0000000", "5A" * 256 + OK),
        ]
    )
    assert len(play(DRIVER.sign(LAYOUT, message, selected=False), transcript)) == 256
    transcript.close()


def test_the_authentication_of_the_national_middleware_byte_for_byte():
    digest = hashlib.sha256(HELLO).digest()
    transcript = Transcript(
        [
            ("002241A406 800102840182", OK),
            ("0088000033 3031300D060960864801650304020105000420" + digest.hex(), "6100"),
            ("00C0000000", "84" * 231 + "6119"),
            ("00C0000019", "68" * 25 + OK),
        ]
    )
    assert len(play(DRIVER.authenticate(LAYOUT, digest), transcript)) == 256
    transcript.close()
    with_select = Transcript([(SELECT_AID, "6A82")])
    with pytest.raises(CommandRefused):
        play(DRIVER.authenticate(LAYOUT, digest, selected=False), with_select)
    for wrong in (b"", digest[:-1], digest + b"\0", HELLO):
        with pytest.raises(ValueError, match="32"):
            play(DRIVER.authenticate(LAYOUT, wrong), Transcript([]))


@pytest.mark.parametrize("error", [CardRemoved, CardMute, CardReset, ReaderAbsent])
def test_a_signature_command_without_answer_is_outcome_unknown_and_nothing_else_is(error):
    """``at`` counts commands: only the last of each script makes a signature (design §2, *card-started*)."""
    for script, commands in ((DRIVER.sign, 4), (DRIVER.authenticate, 2)):
        for at in range(1, commands + 1):
            sent = []

            def transmit(apdu, sent=sent, at=at):
                sent.append(apdu)
                if len(sent) == at:
                    raise error
                return b"\x90\x00"

            with pytest.raises(OutcomeUnknown if at == commands else error):
                play(script(LAYOUT, bytes(32)), transmit)
            assert len(sent) == at


def test_a_signature_lost_in_get_response_is_outcome_unknown():
    answers = iter(["9000", "9000", "9000", "6100", ""])
    with pytest.raises(OutcomeUnknown):
        play(DRIVER.sign(LAYOUT, b"m"), lambda _: bytes.fromhex(next(answers)))


@pytest.mark.parametrize("error", [CardRemoved, CardMute, CardReset, ReaderAbsent])
def test_a_verify_without_answer_is_never_repeated(error):
    sent = []

    def transmit(apdu):
        sent.append(apdu)
        raise error

    with pytest.raises(error):
        play(DRIVER.verify(LAYOUT), transmit)
    assert len(sent) == 1


def test_references_are_the_layouts():
    other = dataclasses.replace(
        LAYOUT,
        pin=dataclasses.replace(LAYOUT.pin, reference=0x11, pad=None, stored_length=12),
        signature=dataclasses.replace(LAYOUT.signature, reference=0x93),
    )
    transcript = Transcript(
        [
            ("0020001104 31323334", OK),
            (SELECT_AID, OK),
            ("002241AA03800140", OK),
            ("002A90A005 9000 8001 61", OK),
            ("002241B606 800142840193", "6A80"),
        ]
    )
    play(DRIVER.verify(other), transcript)
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.sign(other, b"a"), transcript)
    transcript.close()
    assert (refused.value.sw, refused.value.step) == (0x6A80, "MSE SET DST")


@pytest.mark.parametrize(
    ("status", "error", "detail"),
    [
        ("63C2", PinWrong, 2),
        ("63C1", PinWrong, 1),
        ("63C0", PinWrong, 0),
        ("6983", PinBlocked, None),
        ("6984", PinBlocked, None),
        ("6700", CommandRefused, 0x6700),
        ("6982", CommandRefused, 0x6982),
        ("6300", CommandRefused, 0x6300),
        ("6108", CommandRefused, 0x6108),
        ("6C08", CommandRefused, 0x6C08),
    ],
)
def test_what_verify_answers(status, error, detail):
    transcript = Transcript([(VERIFY, status), (SELECT_AID, OK)])
    with pytest.raises(error) as raised:
        play(DRIVER.verify(LAYOUT), transcript)
    transcript.close()
    assert getattr(raised.value, "tries_left", getattr(raised.value, "sw", None)) == detail


@pytest.mark.parametrize("status", ["9000", "63C2", "6983", "6F00"])
def test_after_every_verify_something_at_least_as_long_covers_it(status):
    lengths = []

    def transmit(raw):
        return bytes.fromhex(status if raw[1] == 0x20 else "9000")

    try:
        play(DRIVER.verify(LAYOUT), carrier(transmit, lengths=lengths))
    except CardError:
        assert status != "9000"
    verify, *after = lengths
    assert verify == 13
    assert after == [18]


def test_a_pin_field_longer_than_the_aid_is_overwritten_by_a_path_that_leads_nowhere():
    wide = dataclasses.replace(LAYOUT, pin=dataclasses.replace(LAYOUT.pin, stored_length=14))
    transcript = Transcript(
        [
            ("002000010E 31323334FFFFFFFFFFFFFFFFFFFF", OK),
            ("00A4090C10 3F00 7FFF7FFF7FFF7FFF7FFF7FFF7FFF", "6A82"),
            (SELECT_AID, OK),
        ]
    )
    play(DRIVER.verify(wide), transcript)
    transcript.close()


def test_a_right_pin_whose_application_is_gone_is_not_reported_as_verified():
    with pytest.raises(CommandRefused) as refused:
        play(DRIVER.verify(LAYOUT), Transcript([(VERIFY, OK), (SELECT_AID, "6A82")]))
    assert refused.value.step == "SELECT application"


def test_counters():
    (get, length), (response, data), *_ = counters(COUNTER_PIN.replace("9B0103", "9B0101"))
    transcript = Transcript([SELECT_MF, (get, length), (response, data)])
    assert play(DRIVER.tries_left(LAYOUT), transcript) == 1
    transcript.close()


@pytest.mark.parametrize("answer", ["", "70", "7000", COUNTER_PUK, COUNTER_PIN.replace("9B", "9C"), "FF" * 20])
def test_a_counter_that_is_none(answer):
    transcript = Transcript([SELECT_MF, (GET_PIN, answer + OK)])
    with pytest.raises(CardDataMalformed):
        play(DRIVER.tries_left(LAYOUT), transcript)


def test_the_other_face_gives_the_floor_back_once():
    root = "00A404 0C 08 8025000001FF0100"
    transcript = Transcript([("00A4090C023F00", "6E00"), (root, OK), SELECT_MF, (GET_PIN, COUNTER_PIN + OK)])
    assert play(DRIVER.tries_left(LAYOUT), transcript) == 3
    transcript.close()
    for pairs in ([(root, OK), ("00A4090C023F00", "6E00")], [(root, "6A82")]):
        transcript = Transcript([("00A4090C023F00", "6A86"), *pairs])
        with pytest.raises(CommandRefused):
            play(DRIVER.tries_left(LAYOUT), transcript)
        transcript.close()


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_identify_whatever_the_end_of_a_file_looks_like(end):
    card = Folder(end)
    assert identified(card).serial == "99213845"
    assert card.count <= 40


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_files_of_other_sizes(end):
    contactless, contact = EF_DIR[:52], EF_DIR[52:]
    many = Folder(end, dir=contactless * 4 + contact, odf=EF_ODF[:32], prkdf=EF_PRKDF[:173], cdf=EF_CDF[:134] * 2)
    assert identified(many).layout == LAYOUT
    few = Folder(end, dir=contact, odf=EF_ODF.ljust(300, b"\0"), aodf=EF_AODF[:189])
    assert identified(few).layout == LAYOUT
    first = Folder(end, dir=contact + contactless)
    assert identified(first).layout == LAYOUT


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_data_objects(end):
    card = Folder(end)
    objects = play(read_data_objects(IasEcc(), LAYOUT), card)
    assert len(objects) == 7
    assert DataObject("CPS_ACTIVITY_02_PS", bytes.fromhex("3F000001D121"), protected=True) in objects
    assert card.count == 3
    without = dataclasses.replace(LAYOUT, directory=dataclasses.replace(LAYOUT.directory, dodf=None))
    assert play(read_data_objects(IasEcc(), without), card) == ()


@pytest.mark.parametrize(
    ("sn", "error"),
    [
        (None, CardUnsupported),
        (EF_SN.replace(bytes.fromhex("8025000001"), bytes.fromhex("8025000002")), CardUnsupported),
        (bytes.fromhex("5A0A8025000001992138451F"), CardDataMalformed),  # wrong check digit
        (bytes.fromhex("5A0A802500000199213845EF"), CardDataMalformed),
        (bytes.fromhex("5A068025000001FF00000000"), CardDataMalformed),  # no serial behind the prefix
        (b"\x5b" + EF_SN[1:], CardDataMalformed),
        (b"\0" * 12, CardDataMalformed),
        (EF_SN[:11], CardDataMalformed),
    ],
)
def test_not_the_serial_of_a_cps(sn, error):
    card = Folder(sn=sn)
    with pytest.raises(error):
        identified(card)
    assert card.count <= 3


@pytest.mark.parametrize(
    ("status", "error"),
    [("6A82", CardUnsupported), ("9404", CardUnsupported), ("6581", CommandRefused), ("6F00", CommandRefused)],
)
def test_a_fault_is_not_another_model(status, error):
    with pytest.raises(error):
        identified(lambda _: bytes.fromhex(status))
    with pytest.raises(CardMute):
        identified(lambda _: b"")


@pytest.mark.parametrize("name", ["dir", "odf", "aodf", "prkdf", "cdf", "signature", "authentication"])
def test_a_missing_file_is_named(name):
    with pytest.raises(CommandRefused) as refused:
        identified(Folder(**{name: None}))
    assert refused.value.sw == 0x6A82
    assert name.lower() in refused.value.step.lower()


def test_a_read_refused_is_named():
    answers = iter(["9000", "6982"])
    with pytest.raises(CommandRefused) as refused:
        identified(lambda _: bytes.fromhex(next(answers)))
    assert (refused.value.sw, refused.value.step) == (0x6982, "EF.SN")


def test_certificates_must_fit_their_keys():
    signature, authentication = certificate(), certificate(profile=Profile(signature=False))
    small = certificate(key=rsa_key("small", 1024))
    for changed in (
        {"signature": authentication},
        {"authentication": signature},
        {"signature": small},
        {"signature": authentication, "authentication": signature},
    ):
        with pytest.raises(CertificateInvalid):
            identified(Folder(**changed))


@pytest.mark.parametrize("end", ["6C", "6282", "9000"])
def test_a_certificate_that_stops_too_early_or_never(end):
    whole = certificate()
    for cut in (3, 100, 0xE7, 500, len(whole) - 1):
        card = Folder(end, signature=whole[:cut])
        with pytest.raises((CardDataMalformed, CommandRefused)):
            identified(card)
    endless = b"\x30\x82" + (MAX_CERTIFICATE + 1).to_bytes(2) + bytes(300)
    with pytest.raises(CardDataMalformed):
        identified(Folder(end, signature=endless))


def test_a_directory_file_without_end():
    entry = EF_CDF[:64]
    with pytest.raises(CardDataMalformed):
        identified(Folder(cdf=entry * 60))


def test_a_card_without_puk_and_a_puk_that_is_used_up():
    assert identified(Folder(aodf=EF_AODF[:99])).puk_tries_left is None
    spent = Folder()
    spent.tries[2] = COUNTER_PUK.replace("9D020064", "9D020000")
    assert identified(spent).puk_tries_left == 0


@given(st.sampled_from(["sn", "dir", "odf", "aodf", "prkdf", "cdf", "signature"]), st.data())
def test_any_file_on_the_card_gives_an_identity_or_our_error(name, data):
    whole = Folder()
    content = data.draw(mutated(whole.files[whole.names[name]]))
    card = Folder(data.draw(st.sampled_from(["6C", "6282", "9000"])), **{name: content})
    try:
        found = identified(card)
    except CardError:
        pass
    else:
        assert found.layout.pin.stored_length <= 16
    assert card.count < 120


@given(st.lists(st.binary(max_size=8) | st.just(b"\x90\x00"), min_size=1, max_size=30), st.booleans())
def test_any_answers_give_a_result_or_our_error(answers, t1):
    verifies = []

    def transmit(apdu):
        if isinstance(apdu, SecretCommand):
            verifies.append(assemble(apdu, "1234"))
        transmit.count += 1
        return answers[transmit.count % len(answers)]

    for script in (
        DRIVER.identify({}),
        DRIVER.tries_left(LAYOUT),
        DRIVER.verify(LAYOUT),
        DRIVER.sign(LAYOUT, b"m"),
        DRIVER.authenticate(LAYOUT, bytes(32)),
        read_data_objects(IasEcc(), LAYOUT),
    ):
        transmit.count = 0
        try:
            play(script, transmit, t1=t1)
        except CardError:
            continue
    assert len(verifies) == 1
    assert LAYOUT.aid == AID
