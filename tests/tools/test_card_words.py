import datetime as dt

import pytest

from appliance import errors
from appliance.link.messages import BoxCard
from appliance.tools import card_words
from appliance.tools.card import NOTHING, members

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
CARD = BoxCard(
    fault=None, reader="Lecteur 00 00", atr="3BAC", family="cps3", serial="99213845", number="2500577253", kind="CPS",
    holder="SOPHIE DURAND-TEST", profession="Infirmier(e)", rpps="99900063480", test=True,
    valid_from="2026-11-22T00:00:00.000Z", valid_until="2029-12-21T00:00:00.000Z",
    signs_until="2029-11-21T00:00:00.000Z", tries_left=3, unblock_tries_left=10,
)  # fmt: skip


def changed(**members):
    return BoxCard(**{**{name: getattr(CARD, name) for name in CARD.__struct_fields__}, **members})


def told(**members):
    return {line.split(":")[0].strip(): line[13:] for line in card_words.tell(changed(**members), NOW)}


def test_every_line():
    assert card_words.tell(CARD, NOW) == [
        "Carte :      CPS3 · CPS · TEST",
        "Titulaire :  SOPHIE DURAND-TEST",
        "Profession : Infirmier(e)",
        "RPPS :       99900063480",
        "Numéro :     2500577253",
        "Puce :       99213845",
        "Validité :   du 22/11/2026 au 21/12/2029",
        "Signe :      jusqu'au 21/11/2029",
        "Code :       3 essais",
        "Déblocage :  10 essais",
        "Confiance :  non vérifiée",
        "Lecteur :    Lecteur 00 00",
    ]


@pytest.mark.parametrize(
    ("members", "line", "text"),
    [
        ({"tries_left": 1}, "Code", "1 essai"),
        ({"tries_left": 0}, "Code", "bloqué"),
        ({"tries_left": None}, "Code", "au complet : le bon code vient d'être tapé"),
        ({"unblock_tries_left": 1}, "Déblocage", "1 essai"),
        ({"unblock_tries_left": 0}, "Déblocage", "épuisé : la carte est à remplacer"),
        ({"valid_until": "2026-11-22T23:00:00Z"}, "Validité", "du 22/11/2026 au 22/11/2026 (expirée)"),
        ({"valid_from": "2026-11-24T00:00:00Z"}, "Validité", "du 24/11/2026 au 21/12/2029 (pas encore valable)"),
        ({"signs_until": "2026-11-22T00:00:00Z"}, "Signe", "jusqu'au 22/11/2026 (terminé)"),
        ({"holder": None}, "Titulaire", "sans nom"),
        ({"structure": "CABINET TEST"}, "Structure", "CABINET TEST"),
        ({"specialties": ("Anesthésie",)}, "Profession", "Infirmier(e), Anesthésie"),
        ({"adeli": "123456789"}, "ADELI", "123456789"),
        ({"test": False}, "Carte", "CPS3 · CPS"),
        ({"family": "cps4", "kind": None, "test": False}, "Carte", "CPS4"),
        ({"trust": "untrusted"}, "Confiance", "aucune : autorité non reconnue"),
    ],
)
def test_lines(members, line, text):
    assert told(**members)[line] == text


@pytest.mark.parametrize(
    ("member", "line"),
    [("rpps", "RPPS"), ("unblock_tries_left", "Déblocage"), ("signs_until", "Signe"), ("valid_until", "Validité")],
)
def test_what_is_not_known_has_no_line(member, line):
    assert line not in told(**{member: None})


def test_every_trust_has_a_word():
    for trust in ("good", "untrusted", "expired", "not-yet-valid", "unknown"):
        assert told(trust=trust)["Confiance"]


def test_every_fault_of_a_card_or_reader_has_words_and_an_unknown_one_is_named():
    codes = {
        leaf.code
        for root in (errors.CardError, errors.ReaderError)
        for leaf in root.__subclasses__()
        if not leaf.code.startswith(("pin-", "puk-", "signature-", "outcome-"))
    }
    for code in codes | {"patient-card", "card-absent", "card-reading"}:
        assert code not in card_words.tell(BoxCard(fault=code))[0]
    assert "(odd-one)" in card_words.tell(BoxCard(fault="odd-one"))[0]
    assert set(card_words.FAULTS) >= NOTHING
    assert card_words.tell(BoxCard(fault="patient-card", reader="R"))[0] == "Carte Vitale : rien n'est lu."


def test_json_has_every_member_always():
    full, empty = members(CARD), members(BoxCard(fault="card-absent"))
    assert full.keys() == empty.keys()
    assert (full["holder"], full["tries_left"], full["fault"]) == ("SOPHIE DURAND-TEST", 3, None)
    assert empty["text"] == ["Pas de carte dans le lecteur."]
