"""Nothing personal at rest: the journal after everything it can be made to write, and the control that is found."""

import base64
import gzip
import json
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vault.journal import Entry, Event, Journal, Limits, Receive, RequestState, Step

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from at_rest import Finding, bytes_needle, search, search_bytes, text_needle

NAME = "Hélène DUPONT-LÉVÊQUE"
FAMILY = "Dupont-Lévêque"
RPPS = "10001234567"
IDENTIFIER = "8" + RPPS
DER = bytes((n * n * 7 + n // 3) % 256 for n in range(900))
NEEDLES = (
    text_needle("name", NAME),
    text_needle("family", FAMILY),
    text_needle("rpps", RPPS),
    bytes_needle("der", DER),
)

CHARSETS = {
    "utf-8": NAME.encode(),
    "latin-1": NAME.encode("latin-1"),
    "utf-16-le": NAME.encode("utf-16-le"),
    "utf-16-be": NAME.encode("utf-16-be"),
    "json": json.dumps(NAME).encode(),
    "percent": quote(NAME).encode(),
    "capitals": NAME.upper().encode(),
    "unaccented": b"HELENE DUPONT-LEVEQUE",
    "rpps": RPPS.encode(),
    "rpps-utf-16-le": RPPS.encode("utf-16-le"),
    "der": DER,
}
ARMOURS = {
    "clear": lambda data: data,
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
    "hex off by a digit": lambda data: b"a" + data.hex().encode(),
    "base64": base64.b64encode,
    "base64url": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "base64 in lines": base64.encodebytes,
    "base64 in JSON lines": lambda data: json.dumps(base64.encodebytes(data).decode()).encode(),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "base64 of hex": lambda data: base64.b64encode(data.hex().encode()),
    "hex of base64": lambda data: base64.b64encode(data).hex().encode(),
    "base64 of base64 of base64": lambda data: base64.b64encode(base64.b64encode(base64.b64encode(data))),
    "base64 of zlib": lambda data: base64.b64encode(zlib.compress(data)),
}


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("armour", ARMOURS)
@pytest.mark.parametrize("before", range(3))
def test_each_form_is_found_at_each_alignment(charset, armour, before):
    data = b"...\1" + ARMOURS[armour](b"{[<"[:before] + CHARSETS[charset] + b"}") + b"\1..."
    found = search_bytes("place", data, NEEDLES)
    assert found, "nothing found"
    assert {finding.what for finding in found} <= {"name", "family", "rpps", "der"}
    assert all(4 <= finding.offset < len(data) for finding in found)


@pytest.mark.parametrize(("alphabet", "form"), [(base64.b64encode, "base64"), (base64.urlsafe_b64encode, "base64url")])
@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("after", range(3))
def test_base64_is_found_without_decoding_its_run(alphabet, form, before, after):
    """The direct forms hold at their alignment whatever stands around, so a run that was cut is found too."""
    data = b"\xfb\xff\xbf\xfb\xff"
    coded = alphabet(b"\xfe" * before + data + b"\xfd" * after)
    forms = dict(bytes_needle("short", data).forms)
    inner = (
        forms[f"{form}+{before} > bytes"] if f"{form}+{before} > bytes" in forms else forms[f"base64+{before} > bytes"]
    )
    assert len(inner) >= 5
    assert inner in coded


@given(st.binary(max_size=300))
def test_random_bytes_hold_nobody(data):
    assert search_bytes("place", data, NEEDLES) == []


def test_a_finding_names_place_form_and_label_and_not_the_person(tmp_path):
    file = tmp_path / "deep" / "box.log"
    file.parent.mkdir()
    file.write_bytes(b"x" * 10 + RPPS.encode() + b"\n")
    assert search([tmp_path], [text_needle("rpps", RPPS)])[0] == Finding(str(file), 10, "utf-8", "rpps")
    assert RPPS not in repr(search([tmp_path], [text_needle("rpps", RPPS)]))


def test_a_needle_too_short_to_mean_anything_is_refused():
    with pytest.raises(ValueError, match="characters"):
        text_needle("name", "Ly")


def open_journal(path, **settings):
    return Journal.open(
        path,
        wall=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        dropped=lambda first, last: Event("journal", "dropped", lambda seq: b"%d %d %d" % (seq, first, last)),
        **settings,
    )


def everything(journal):
    """One of each thing a vault writes, long enough to fill, drop and erase."""
    tag = journal.holder_tag(IDENTIFIER)
    for number in range(60):
        identifier = f"0190{number:04d}"
        journal.commit(
            events=[
                Event("card", "identified", lambda seq: json.dumps({"seq": seq, "holder": tag}).encode()),
            ],
            moves=[Receive("poste-1", identifier, bytes([number]) * 32, "sign", "rsp/poste-1/a", b"\x01")],
            audit=[Entry("card/identified", {"holder": tag, "documents": 3}, holder=tag)],
        )
        for state in ("accepted", "agreed", "card-started", "done"):
            journal.move("poste-1", identifier, RequestState(state))
        journal.deliver("poste-1", identifier)
        journal.commit(
            moves=[
                Receive("poste-1", f"f{number}", bytes(32), "sign", "rsp/poste-1/a", None),
                Step("poste-1", f"f{number}", RequestState.FAILED, "refused"),
            ]
        )
    journal.acknowledge(journal.last_seq // 2)
    journal.holder_tag(IDENTIFIER)
    return tag


def test_a_journal_that_has_done_everything_holds_nobody(tmp_path):
    journal = open_journal(tmp_path / "box.sqlite", limits=Limits(rows=40))
    tag = everything(journal)
    names = {file.name for file in tmp_path.iterdir()}
    assert "box.sqlite-wal" in names, "the log is searched too"
    assert search([tmp_path], [text_needle("tag", tag)]), "the search does see what the journal writes"
    assert search([tmp_path], NEEDLES) == []
    journal.erase_holder(tag)
    assert search([tmp_path], NEEDLES) == []
    journal.close()
    assert search([tmp_path], NEEDLES) == []


def answer(armour):
    """What an answer looks like: a JWS whose header holds the certificate, and the holder's name."""
    header = base64.urlsafe_b64encode(json.dumps({"x5c": [base64.b64encode(DER).decode()]}).encode()).decode()
    return ARMOURS[armour](json.dumps({"jws": header, "name": NAME, "rpps": RPPS}).encode())


@pytest.mark.parametrize("armour", ["clear", "base64", "base64url", "hex", "zlib"])
@pytest.mark.parametrize("closed", [False, True])
def test_control_a_journal_that_keeps_an_answer_is_found(tmp_path, armour, closed):
    """The build that would be wrong: one more column, and the answer in it."""
    journal = open_journal(tmp_path / "box.sqlite")
    everything(journal)
    journal._database.run("ALTER TABLE request ADD COLUMN answer BLOB")
    journal._database.run("UPDATE request SET answer = ? WHERE id = '01900007'", (answer(armour),))
    if closed:
        journal.close()
    found = search([tmp_path], NEEDLES)
    assert {finding.what for finding in found} == {"name", "family", "rpps", "der"}
    assert any("request.answer" in finding.place for finding in found) or not closed
    if not closed:
        assert any(finding.place.endswith("-wal") for finding in found)
        journal.close()


def test_control_an_answer_that_was_deleted_without_secure_delete_is_found(tmp_path):
    journal = open_journal(tmp_path / "box.sqlite")
    everything(journal)
    run = journal._database.run
    run("PRAGMA secure_delete=OFF")
    run("CREATE TABLE answers (answer BLOB)")
    run("INSERT INTO answers VALUES (?)", (RPPS.encode() + bytes(500),))
    journal._database.fold()
    run("DELETE FROM answers")
    journal._database.fold()
    assert any(finding.place.endswith("box.sqlite") for finding in search([tmp_path], NEEDLES))
    journal.close()


def test_an_answer_cut_by_page_ends_is_found_through_the_table(tmp_path):
    journal = open_journal(tmp_path / "box.sqlite")
    run = journal._database.run
    run("CREATE TABLE answers (answer BLOB)")
    for before in range(4040, 4100):
        run("INSERT INTO answers VALUES (?)", (bytes(before) + DER + bytes(5000),))
    journal.close()
    found = search([tmp_path], [bytes_needle("der", DER)])
    assert any("answers.answer" in finding.place for finding in found)
