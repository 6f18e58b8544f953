"""What the tests of both drivers against recorded dialogues share."""

import pytest
from certificate_kit import EXTENSIONS, Profile, certificate

from appliance.card.script import play
from appliance.errors import OutcomeUnknown

HELLO = b"hello CPS signature"
"""What the recorded clients signed."""


def recorded_lengths():
    """Signature and authentication certificate as long as those of the traces, 2,199 and 2,211 bytes."""
    long = EXTENSIONS | {"1.2.250.1.71.1.2.6": "00" * 1200}
    found = certificate(extensions=long), certificate(profile=Profile(signature=False), extensions=long)
    assert all(9 * 0xE7 < len(der) <= 10 * 0xE7 for der in found)
    return found


def ended(script, transcript, error, detail):
    """The script ends with ``error``, whose tries left or status word are ``detail``, and the dialogue with it."""
    with pytest.raises(error) as raised:
        play(script, transcript)
    transcript.close()
    assert getattr(raised.value, "tries_left", getattr(raised.value, "sw", None)) == detail


def lost_at_each_command(script, commands, signing, error):
    """Let each command in turn find no answer: ``outcome-unknown`` where it makes a signature, else the error itself.

    Args:
        script: makes a new one.
        commands: how many it sends.
        signing: which of them make a signature, the first being 1 (design §2, *card-started*).
    """
    for at in range(1, commands + 1):
        sent = []

        def transmit(apdu, sent=sent, at=at):
            sent.append(apdu)
            if len(sent) == at:
                raise error
            return b"\x90\x00"

        with pytest.raises(OutcomeUnknown if at in signing else error):
            play(script(), transmit)
        assert len(sent) == at
