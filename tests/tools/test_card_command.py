"""``appliance card info`` and ``card trace`` on each kind of card behind a real pcscd and vpcd."""

import pytest
from card_bench import last

from appliance.simulator.launch import write_authorities
from appliance.simulator.pki import TestPki

READ = {
    "cps3": {"family": "cps3", "kind": "CPS", "holder": "SOPHIE DURAND-TEST", "rpps": "99900063480", "test": True},
    "cps4": {"family": "cps4", "holder": "SOPHIE DURAND-TEST", "tries_left": 3, "unblock_tries_left": 10},
    "cps4-t1": {"family": "cps4", "tries_left": 3},
    "cps4-as-cps3": {"family": "cps4"},
    "cps4-lost": {"family": "cps4"},
    "cps3-updated": {"family": "cps3", "number": "2500577253"},
    "blocked": {"tries_left": 0, "unblock_tries_left": 10},
    "puk-exhausted": {"tries_left": 0, "unblock_tries_left": 0},
    "expired": {"holder": "SOPHIE DURAND-TEST"},
    "key-expired": {"holder": "SOPHIE DURAND-TEST"},
    "not-yet-valid": {"holder": "SOPHIE DURAND-TEST"},
    "production": {"test": False},
    "cpf": {"kind": "CPF"},
    "cpe": {"kind": "CPE", "rpps": None},
    "pin12": {"tries_left": 3},
    "situations": {"tries_left": 3},
}
WORDS = {
    "blocked": "Code :       bloqué",
    "puk-exhausted": "Déblocage :  épuisé",
    "expired": "(expirée)",
    "key-expired": "(terminé)",
    "not-yet-valid": "(pas encore valable)",
    "cps3": "· TEST",
}
REFUSED = {
    "update-interrupted": ("card-update-interrupted", 1),
    "cps3-old": ("card-unsupported", 1),
    "unknown": ("card-unsupported", 1),
    "vitale": ("patient-card", 1),
}


@pytest.mark.parametrize("model", READ)
def test_a_card_that_can_be_read(bench, model):
    with bench.card(model) as card:
        done = bench.run("card", "info", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        told = last(done)
        assert {name: told[name] for name in READ[model]} == READ[model]
        assert (told["fault"], told["serial"]) == (None, card.serial)
        assert (told["structure"] is None) == (model != "cpe")
        assert told["reader"].startswith("Virtual PCD")
        assert WORDS.get(model, "") in "\n".join(told["text"])
        assert card.verify_count == 0
        assert not [file for file in card.selected if 0xD120 <= file[1] <= 0xD12F], "read behind the PIN"


@pytest.mark.parametrize("model", REFUSED)
def test_a_card_that_cannot_be_read_is_named(bench, model):
    fault, code = REFUSED[model]
    with bench.card(model) as card:
        done = bench.run("card", "info", "--json")
        assert (done.returncode, last(done)["fault"]) == (code, fault)
        assert last(done)["holder"] is None
        plain = bench.run("card", "info")
        assert plain.returncode == code
        assert plain.stdout.splitlines() == last(done)["text"]
        trace = bench.run("card", "trace")
        assert trace.returncode == code
        if model in ("vitale", "unknown"):
            assert card.apdu_count == 0, "spoken to"
            assert trace.stdout == ""


@pytest.mark.parametrize("model", ["mute", "reversed"])
def test_what_vpcd_cannot_show_is_an_empty_slot(bench, model):
    with bench.card(model, appears=False):
        done = bench.run("card", "info", "--json")
        assert (done.returncode, last(done)["fault"]) == (3, "card-absent")


def test_nothing_in_the_reader_and_no_such_reader(bench):
    assert bench.run("card", "info").stdout.startswith("Pas de carte dans le lecteur.\n")
    for words, fault in (
        (("info", "--json"), "card-absent"),
        (("info", "--json", "--reader", "Gemalto"), "reader-absent"),
    ):
        done = bench.run("card", *words)
        assert (done.returncode, last(done)["fault"]) == (3, fault)
    trace = bench.run("card", "trace")
    assert (trace.returncode, trace.stdout) == (3, "")
    assert "Pas de carte" in trace.stderr


def test_the_reader_by_name_or_a_part_of_it(bench):
    with bench.card("cps3"):
        name = last(bench.run("card", "info", "--json"))["reader"]
        for reader in (name, "Virtual PCD"):
            assert last(bench.run("card", "info", "--json", "--reader", reader))["holder"] == "SOPHIE DURAND-TEST"


def test_what_the_authorities_of_the_box_make_of_it(bench, tmp_path):
    """A box that is configured here but does not run: its trust store still counts."""
    pki, store, config = TestPki.generate(), tmp_path / "trust", tmp_path / "appliance.toml"
    write_authorities(store, (pki.root, pki.intermediate))
    config.write_text(
        f'[device]\nid = "cabinet"\n[paths]\nrun = "{tmp_path}"\n[trust]\ntest = true\ndirectory = "{store}"\n'
    )
    with bench.card("cps3", pki=pki):
        assert last(bench.run("card", "info", "--json", "--config", str(config)))["trust"] == "good"
        config.write_text(config.read_text().replace("test = true", "test = false"))
        assert last(bench.run("card", "info", "--json", "--config", str(config)))["trust"] == "untrusted"
    config.write_text("[device]\n")
    assert bench.run("card", "info", "--config", str(config)).returncode == 2


@pytest.mark.parametrize("model", ["cps3", "cps4", "cps4-t1"])
def test_a_trace_shows_the_dialogue_and_nobody(bench, model):
    with bench.card(model) as card:
        before = card.apdu_count
        done = bench.run("card", "trace", "--counters")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"# power on, T={int(model == 'cps4-t1')}, ATR 3B ")
        assert [line for line in lines if line.startswith("# step")] == [
            "# step: identify", "# step: counter of the PIN", "# step: counter of the unblocking code",
        ]  # fmt: skip
        sent = [line for line in lines if line.startswith("> ")]
        assert len(sent) == len([line for line in lines if line.startswith("< ")]) == card.apdu_count - before
        assert b"DURAND".hex(" ").upper() not in done.stdout
        serial = bytes.fromhex(card.serial).hex(" ")
        assert serial not in done.stdout
        shown = bench.run("card", "trace", "--personal").stdout
        assert b"DURAND".hex(" ").upper() in shown
        assert serial in shown
        assert card.verify_count == 0
