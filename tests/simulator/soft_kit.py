"""What a test says to a soft card, command by command in hex, and what any bytes may be."""

from hypothesis import strategies as st


def say(card, *commands):
    """Send commands; give the last answer's status word."""
    for command in commands:
        answer = card.transmit(bytes.fromhex(command))
    return answer[-2:].hex().upper()


def fetch(card, command):
    """Send, and fetch on the same channel what 61xx announces."""
    raw = bytes.fromhex(command)
    answer = card.transmit(raw)
    data = answer[:-2]
    while answer[-2] == 0x61:
        answer = card.transmit(bytes((raw[0] & 0x03, 0xC0, 0, 0, answer[-1])))
        data += answer[:-2]
    assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
    return data


def any_commands(*headers):
    """Lists of commands of any bytes, some of them behind one of ``headers`` (hex)."""
    known = st.sampled_from([bytes.fromhex(header) for header in headers])
    return st.lists(
        st.one_of(st.binary(max_size=270), st.tuples(known, st.binary(max_size=40)).map(b"".join)), max_size=8
    )
