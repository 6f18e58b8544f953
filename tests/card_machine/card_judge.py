"""What must be true of every step and every command, whatever happened before (design §5).

What it is: a model of the two counters, fed with what reached the card, and the promises about tries and secrets.
What it is not: a second flow or a second card: it says nothing of files, signatures or what comes next.
"""

import collections

from appliance.card.apdu import SecretCommand
from appliance.keypad import entry as keys
from appliance.screen import kinds
from appliance.secret import Slot
from appliance.vault import box as b
from appliance.vault import view
from appliance.vault.box import State

PIN, PUK = 1, 2
FULL = {PIN: 3, PUK: 10}
VERIFY, CHANGE, UNBLOCK = 0x20, 0x24, 0x2C
SECRET_ORDERS = (b.ReadSituations, b.ChangePin, b.UnblockPin)
AWAITING = {State.SIGNING, State.WORKING, State.COUNTING, State.READING}
IN_SESSION = "a signature without a code"
TYPING = {State.PIN, State.NEW_PIN, State.AGAIN}

seen = collections.Counter()
"""States, orders and ends that were met: a machine that never gets anywhere proves nothing."""


class Judge:
    """Holds the promises; every method may fail the test."""

    def __init__(self, pin, puk, secrets, references):
        self.value = {PIN: pin, PUK: puk}
        self.left = dict(FULL)
        self.secrets = secrets  # every code that anybody types, as text
        self.references = references  # the card's reference -> PIN or PUK
        self.hashes = self.tries = 0
        self.confirmed = False
        self.verifies = 0  # in the order in hand
        self.told = None
        self.said = []
        self.failed = False

    def need(self, holds, promise):
        """``promise`` holds, or the test has failed."""
        if not holds:
            self.failed = True
            raise AssertionError(promise)

    # --- keys and steps ---------------------------------------------------------------------------------------------

    def pressed(self, desk, key, _event):
        self.hashes += key == "#"
        screen = self._screen(desk)
        if key == "A" and isinstance(screen, kinds.LastTry) and screen.remaining <= 29 / 30:  # its first second is void
            self.confirmed = True

    def step(self, desk, before, event, effects):
        seen.update([desk.box.state, type(event)])
        seen.update(type(effect) for effect in effects)
        self.said += [repr(desk.box), repr(event), *map(repr, effects), repr(self._screen(desk))]
        seen[IN_SESSION] += any(isinstance(effect, b.Sign) for effect in effects) and before.session is not None
        secret = [e for e in effects if isinstance(e, SECRET_ORDERS) or (isinstance(e, b.Sign) and e.verify)]
        self.need(len(secret) <= 1, "two orders with a secret")
        self.need(not secret or isinstance(event, keys.Validate), "a try that nobody asked for")
        if any(isinstance(effect, b.ReadTries) for effect in effects):
            self.confirmed = False
        if secret:
            self.verifies = 0
        self._judge_told(event)
        if before.state in TYPING and desk.box.state not in TYPING:
            self.need(any(isinstance(effect, b.Disarm) for effect in effects), "keys still go into the page")

    def _judge_told(self, event):
        """What the box is told of a counter is what the card's counter is."""
        match event:
            case b.PinRejected(_, tries):
                self.need(tries == self.left[PIN], "not what the box is told")
            case b.PukRejected(_, tries):
                self.need(tries == self.left[PUK], "not what the box is told")

    @staticmethod
    def _screen(desk):
        return view.look(desk.box, desk.now, "10:42", "0.1.0")

    # --- commands ---------------------------------------------------------------------------------------------------

    def leaves(self, command, apdu):
        """Before a command reaches the card."""
        if not isinstance(command, SecretCommand):
            self.need(command[1] not in (VERIFY, CHANGE) or len(apdu) <= 5, "a code outside the page")
            return
        which = self.references[command.p2]
        slot = command.blocks[0].slot
        trying = command.ins == VERIFY or (command.ins == CHANGE and slot is Slot.OLD)
        if not trying:
            self.need(slot is Slot.NEW, "the new code is not the one typed as new")
            return
        self.tries += 1
        self.verifies += 1
        seen[(command.ins, which, self.left[which])] += 1
        self.need(slot is Slot.OLD, "the code tried is not the one typed first")
        self.need(self.tries <= self.hashes, "more tries than #")
        self.need(self.verifies == 1, "a second try under one #")
        self.need(self.left[which] != 1 or self.confirmed, "the last try without its own A")
        self.need(self.left[which] > 0, "a try of a blocked code")

    def arrived(self, command, apdu, *, ran, answer):
        """After it: the model follows what the card ran, answered or not."""
        if not ran:
            return
        if isinstance(command, SecretCommand):
            self._follow(command, _fields(command, apdu))
        elif command[1] == UNBLOCK and answer[-2:] == b"\x90\x00":
            self.left[PIN] = FULL[PIN]  # CPS4: the counter first, the new PIN by the next command

    def _follow(self, command, fields):
        which = self.references[command.p2]
        if command.blocks[0].slot is Slot.NEW:
            self.value[PIN], self.left[PIN] = fields[0], FULL[PIN]
            return
        if self.left[which] == 0:
            return
        if fields[0] != self.value[which]:
            self.left[which] -= 1
            return
        self.left[which] = FULL[which]
        if command.ins == CHANGE:
            self.value[PIN] = fields[1]

    # --- at rest ----------------------------------------------------------------------------------------------------

    def settled(self, desk):
        """Nothing is outstanding."""
        soft, box = desk.card.card, desk.box
        seen[("settled", box.state)] += 1
        counters = {reference: counter.left for reference, counter in soft.counters.items()}
        self.need(counters == self.left, "the card has other counters than the model")
        if box.state not in TYPING:
            self.need(not any(desk.secret.length(slot) for slot in Slot), "digits left in the page")
        if box.session is None:
            self.need(not (desk.inside and soft.verified), "the card is left open")
            self.need(not desk.thread.held, "a transaction without a session")
        self.need(box.state not in AWAITING, "the box waits for nobody")

    def closing(self, desk, records):
        """No code in anything that was said, logged or traced."""
        forms = {form for code in self.secrets for form in (code, code.encode().hex(), code.encode().hex(" "))}
        for where, texts in {"repr": self.said, "log": records, "trace": desk.lines}.items():
            text = "\n".join(texts).lower()
            self.need(not any(form in text for form in forms), f"a code in a {where}")


def _fields(command, apdu):
    """The digits of each field, as the card takes them."""
    data, fields = apdu[5:], []
    for block in command.blocks:
        length = block.length if block.pad is not None else len(data)
        field, data = data[:length], data[length:]
        fields.append(field.rstrip(bytes((block.pad,))).decode() if block.pad is not None else field.decode())
    return fields
