"""It must show, 3: gateway, broker or vault go away while the person types; what was asked is answered all the same."""

import signal
import uuid

import pytest
from journey_kit import comes, fails, signing
from journey_mosquitto import Listener, is_reply, publish_request

TEXT = "Repos de 3 jours."


def at_the_prompt(bench):
    bench.insert()
    replies = bench.ask(TEXT)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.person.types("12")
    return replies


def wait_offline(bench, reason):
    """Wait for the end of the gateway as the broker tells it."""
    bench.client.wait_state("status", lambda status: (status["state"], status.get("reason")) == ("offline", reason))


@pytest.mark.parametrize("typed", ["while it was away", "after it came back"])
def test_gateway_killed_while_typing(any_bench, typed):
    bench = any_bench
    replies = at_the_prompt(bench)
    boot = bench.client.latest("status")["bootId"]
    assert bench.box.end("gateway", signal.SIGKILL) == -signal.SIGKILL
    wait_offline(bench, "lwt")
    if typed == "while it was away":
        bench.person.press("34#")
        bench.person.sees("Signé")
    bench.box.start_gateway()
    bench.client.wait_online()
    assert bench.client.latest("status")["bootId"] == boot
    if typed == "after it came back":
        bench.person.is_asked_for_pin(2)
        bench.person.press("34#")
    *_, done = replies
    assert (done["phase"], done["counts"]) == ("done", {"signed": 1, "failed": 0})
    bench.event("sign/completed")
    numbers = [event["seq"] for event in bench.told]
    assert sorted(set(numbers)) == list(range(numbers[0], numbers[-1] + 1))  # none is missing; some may come twice
    assert bench.card.verify_count == bench.card.signature_count == bench.person.hashes == 1


def test_gateway_killed_before_consent(bench):
    bench.insert()
    replies = bench.ask(TEXT)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    bench.box.end("gateway", signal.SIGKILL)
    wait_offline(bench, "lwt")
    bench.person.agrees()
    bench.person.enters()
    bench.person.sees("Signé")
    bench.box.start_gateway()
    assert comes(replies, "done")["final"]  # progress is not kept, the answer is
    assert bench.card.verify_count == 1


def test_broker_restarted_while_typing(bench):
    """Practice software that is back in time has its answer; the broker itself remembers nothing."""
    with Listener(bench.broker.port) as before:
        bench.insert()
        body = signing(TEXT, v=1, id=str(uuid.uuid4()))
        publish_request(bench.broker.port, "sign", body, "one")
        bench.person.agrees()
        bench.person.types("12")
        boot = before.wait(lambda heard: heard.topic == "status").body["bootId"]
    bench.broker.stop()
    bench.broker.start()
    with Listener(bench.broker.port) as after:  # it has heard the box's status: the gateway is back
        assert after.wait(lambda heard: heard.topic == "status").body["bootId"] == boot
        assert after.wait(lambda heard: heard.topic == "state/card").body["presence"] == "present"
        bench.person.is_asked_for_pin(2)
        bench.person.press("34#")
        done = after.final(body["id"])
        assert done.body["phase"] == "done"
        assert done.properties["correlation-data"] == "one"
        after.event("sign/completed")
    assert bench.card.verify_count == bench.card.signature_count == bench.person.hashes == 1


def test_broker_away_when_the_answer_is_ready(bench):
    """Nobody may have been there to hear it: the same request again has the same answer, and signs nothing."""
    bench.insert()
    body = signing(TEXT, v=1, id=str(uuid.uuid4()))
    publish_request(bench.broker.port, "sign", body, "one")
    bench.person.agrees()
    bench.person.types("12")
    bench.broker.stop()
    bench.person.press("34#")
    bench.person.sees("Signé")
    bench.broker.start()
    with Listener(bench.broker.port) as after:
        publish_request(bench.broker.port, "sign", body, "two")
        answer = after.wait(lambda heard: is_reply(heard, body["id"]) and heard.properties["correlation-data"] == "two")
        assert (answer.body["phase"], answer.body["final"]) == ("done", True)
    assert bench.card.verify_count == bench.card.signature_count == bench.person.hashes == 1


def test_vault_killed_while_typing(bench):
    """It never signs by itself: the request is over, its sender is told, and the digits typed are gone."""
    replies = at_the_prompt(bench)
    boot = bench.client.latest("status")["bootId"]
    bench.box.end("vault", signal.SIGKILL)
    bench.desk.wait_vault(connected=False)
    bench.box.start_vault()
    fails(replies, "cancelled")
    bench.client.wait_state("status", lambda status: status["state"] == "online" and status["bootId"] != boot)
    bench.person.sees("S. DURAND-TEST")
    again = bench.ask(TEXT)
    bench.person.agrees()
    bench.person.enters()
    *_, done = again
    assert done["phase"] == "done"
    bench.event("sign/completed")
    assert "pin/wrong" not in bench.names
    assert bench.card.verify_count == bench.card.signature_count == bench.person.hashes == 1
