"""A reader that other programs use too: a PIN that was typed for us serves nobody else, and they do not stop us."""

import contextlib
import functools
import json
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from journey_kit import PIN, TIMEOUT, WRONG, comes, fails, missing, standing_bench
from smartcard import scard

from appliance.simulator.faults import Fault, FaultyCard, Kind
from appliance.simulator.softfiles import CONTACT_AID, PinFormat
from appliance.simulator.softpin import PIN as PIN_REFERENCE

SHARED = '[reader]\nshare = "shared"'
BENCH = Path(__file__).parents[1] / "bench"
PROGRAM = Path(__file__).parents[1] / "simulator" / "pcsclite_client.py"
TEXTS = ("Premier : repos.", "Deuxième : marche.", "Troisième : lecture.")
HASH_AND_SIGN = 0x2A  # PERFORM SECURITY OPERATION: two of them make a signature
SIGN = (
    bytes.fromhex("00A4040C0D") + CONTACT_AID,
    bytes.fromhex("002241B606800142840181"),
    bytes.fromhex("002A9E9A20") + bytes(range(32)),
)
"""SELECT, MSE SET DST, PSO CDS over a hash of the rival's own (card-reference §6.2)."""
PIN_NEEDED = "6982"
WAS_RESET = scard.SCARD_W_RESET_CARD & 0xFFFFFFFF
MODE = (scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0)


class Rival:
    """Another program on the same reader: a process, for libpcsclite knows one pcscd a process."""

    def __init__(self, socket_path):
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={"PCSCLITE_CSOCK_NAME": str(socket_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asked, self._answers, self._told = 0, {}, queue.SimpleQueue()
        self._ear = threading.Thread(target=self._listen)
        self._ear.start()

    def begin(self, call, *arguments, background=True):
        self._asked += 1
        question = {"id": self._asked, "call": call, "args": arguments, "background": background}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._asked

    def result(self, number):
        while number not in self._answers:
            answer = self._told.get(timeout=TIMEOUT)
            self._answers[answer["id"]] = (answer["code"], *answer["result"])
        return self._answers.pop(number)

    def has_heard(self):
        """Whether an answer came that nobody has taken."""
        return not self._told.empty()

    def _listen(self):
        for line in self._process.stdout:
            self._told.put(json.loads(line))

    def call(self, call, *arguments):
        """The result of a call that must succeed."""
        code, *result = self.result(self.begin(call, *arguments, background=False))
        assert code == scard.SCARD_S_SUCCESS, f"{call}: {code:08X}"
        return result[0] if result else None

    def connect(self):
        """A card handle with a context of its own."""
        context = self.call("SCardEstablishContext", 0)
        reader, *_ = self.call("SCardListReaders", context, [])
        return self.call("SCardConnect", context, reader, *MODE)

    def sign(self, handle):
        """Try to have a hash signed; the last status word."""
        for command in SIGN:
            answer = bytes(self.call("SCardTransmit", handle, scard.SCARD_PROTOCOL_T0, list(command)))
        return int.from_bytes(answer[-2:])

    def close(self):
        """End it whatever it waits for; pcscd takes back what it held."""
        self._process.kill()
        self._process.wait(TIMEOUT)
        self._ear.join()
        self._process.stdin.close()
        self._process.stdout.close()


@contextlib.contextmanager
def standing(module="appliance.simulator.vault"):
    """A bench with a shared reader, the card in it, and a rival that is connected to it."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="cps-journey-"))
    try:
        with standing_bench(folder, "real", module, SHARED) as bench:
            bench.faulty = FaultyCard(bench.card)
            bench.reader.insert(bench.faulty)
            bench.person.sees("S. DURAND-TEST")
            rival = Rival(folder / "pcscd" / "pcscd.comm")
            try:
                yield bench, rival
            finally:
                rival.close()
                bench.faulty.release()  # a vault whose card is silent does not end
    finally:
        shutil.rmtree(folder)


def up_to_the_card(bench, texts, *faults):
    """A request on its way until the card is silent over the first document: the PIN is verified."""
    replies = bench.ask(*texts)
    for phase in ("accepted", "awaiting-consent"):
        comes(replies, phase)
    bench.person.agrees()
    comes(replies, "awaiting-pin")
    bench.faulty.arm(Fault(Kind.MUTE, command=2, ins=HASH_AND_SIGN), *faults)
    bench.person.enters(PIN)
    assert bench.faulty.muted.wait(20)
    return replies


def race(bench, rival, texts, *faults, meanwhile=lambda: None):
    """A request, and a rival that asks for the card from the first document on: by a command, and by a transaction.

    ``meanwhile`` happens while the card is silent. Returns the iterator of replies, the codes of the rival's two calls,
    and the status word of what it then asks to be signed.
    """
    command, transaction = rival.connect(), rival.connect()
    replies = up_to_the_card(bench, texts, *faults)
    calls = [
        rival.begin("SCardTransmit", command, scard.SCARD_PROTOCOL_T0, list(SIGN[0])),
        rival.begin("SCardBeginTransaction", transaction),
    ]
    rival.call("SCardEstablishContext", 0)  # there and back: the two are on their way
    assert not rival.has_heard(), "another program has the card while a PIN is verified"
    meanwhile()
    bench.faulty.release()
    codes = [rival.result(call)[0] for call in calls]
    if WAS_RESET in codes:
        rival.call("SCardReconnect", transaction, *MODE, scard.SCARD_LEAVE_CARD)
        rival.call("SCardBeginTransaction", transaction)
    status = rival.sign(transaction)
    rival.call("SCardEndTransaction", transaction, scard.SCARD_LEAVE_CARD)
    return replies, codes, f"{status:04X}"


@pytest.mark.parametrize("count", [1, 3])
def test_the_pin_is_gone_before_anybody_else_has_the_card(count):
    with standing() as (bench, rival):
        replies, codes, status = race(bench, rival, TEXTS[:count])
        *_, done = replies
        assert done["counts"] == {"signed": count, "failed": 0}
        assert codes == [WAS_RESET, WAS_RESET]
        assert status == PIN_NEEDED
        assert bench.card.signature_count == count
        assert bench.card.verify_count == bench.person.hashes == 1


def test_the_pin_is_gone_after_a_failure_too():
    """The second document's command is refused by the card, with the PIN verified."""
    with standing() as (bench, rival):
        broken = Fault(Kind.STATUS, command=4, ins=HASH_AND_SIGN, sw=0x6F00)
        replies, codes, status = race(bench, rival, TEXTS, broken)
        *told, problem = replies
        code = problem["code"]
        told = [reply["result"] for reply in told if "result" in reply]
        assert [(result["index"], result.get("code")) for result in told] == [(0, None), (1, code), (2, code)]
        assert codes == [WAS_RESET, WAS_RESET]
        assert status == PIN_NEEDED
        assert bench.card.signature_count == 1


def test_the_pin_is_gone_when_the_vault_is_killed():
    with standing() as (bench, rival):
        kill = functools.partial(bench.box.end, "vault", signal.SIGKILL)
        replies, _, status = race(bench, rival, TEXTS, meanwhile=kill)
        assert status == PIN_NEEDED
        bench.box.start_vault()
        *_, problem = replies
        fails(iter([problem]), "outcome-unknown")
        assert (bench.card.verify_count, bench.card.signature_count) == (1, 1)


def test_the_rival_would_have_signed(monkeypatch):
    """The control of the tests above: a vault that neither holds the card nor resets it leaves the PIN to others."""
    monkeypatch.setenv("PYTHONPATH", str(BENCH))
    with standing("unheld_vault") as (bench, rival):
        replies, codes, status = race(bench, rival, TEXTS[:1])
        *_, done = replies
        assert done["phase"] == "done"
        assert codes == [scard.SCARD_S_SUCCESS] * 2
        assert status != PIN_NEEDED
        assert bench.card.signature_count == 2


@pytest.mark.parametrize("when", ["at rest", "on consent", "on the prompt"])
def test_a_reset_by_another_program_between_our_commands_is_no_failure(when):
    with standing() as (bench, rival):
        handle = rival.connect()

        def reset(now):
            if now == when:
                rival.call("SCardDisconnect", handle, scard.SCARD_RESET_CARD)

        reset("at rest")
        replies = bench.ask(TEXTS[0])
        pages = bench.person.reads_consent()
        assert pages
        reset("on consent")
        bench.person.press("A")
        bench.person.is_asked_for_pin()
        reset("on the prompt")
        bench.person.enters(PIN)
        *_, done = replies
        assert done["phase"] == "done", done
        assert bench.card.verify_count == bench.card.signature_count == 1


def test_a_try_used_by_another_program_is_not_spent_twice():
    """The person saw three tries: with one gone since, no VERIFY is sent for them."""
    with standing() as (bench, rival):
        handle = rival.connect()
        replies = bench.ask(TEXTS[0])
        bench.person.agrees()
        bench.person.types(PIN)
        block = PinFormat.of(4, 4).block(WRONG)
        verify = bytes.fromhex("00200001") + bytes((len(block),)) + block
        rival.call("SCardTransmit", handle, scard.SCARD_PROTOCOL_T0, list(verify))
        assert bench.card.counters[PIN_REFERENCE].left == 2
        bench.person.press("#")
        *_, problem = replies
        fails(iter([problem]), "internal")
        assert bench.card.counters[PIN_REFERENCE].left == 2
        assert (bench.card.verify_count, bench.card.signature_count) == (1, 0)
