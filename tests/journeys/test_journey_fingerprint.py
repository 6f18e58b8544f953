"""It must show, 4: the fingerprint on the display is that of the bytes, and one character changes it."""

import hashlib

import pytest
from journey_kit import TEXT, TIMEOUT, comes, content_text, document, fingerprint

PDF = "application/pdf"


def grouped(digest):
    digits = digest.hex()[:16]
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def expected(contents):
    digests = [hashlib.sha256(content.encode()).digest() for content in contents]
    return grouped(digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest())


def look(bench, contents, media_type):
    """Ask, read all pages off the pixels, refuse."""
    documents = [document(content, "Ordonnance", media_type) for content in contents]
    replies = bench.client.request("sign", {"documents": documents, "format": "raw"}, TIMEOUT)
    comes(replies, "accepted")
    comes(replies, "awaiting-consent")
    pages = bench.person.reads_consent()
    bench.person.press("D")
    *_, problem = replies
    assert problem["code"] == "refused"
    return pages


@pytest.mark.parametrize(
    ("one", "other", "media_type"),
    [
        (["Doliprane 500 mg, 3 fois par jour"], ["Doliprane 600 mg, 3 fois par jour"], TEXT),
        (["Doliprane 500 mg"], ["Doliprane 500 mg "], TEXT),
        (["%PDF-1.7 un"], ["%PDF-1.7 uN"], PDF),
        (["Un.", "Deux.", "Trois."], ["Un.", "Deux!", "Trois."], TEXT),
    ],
    ids=["a digit", "a blank at the end", "content that is not shown", "one of three"],
)
def test_one_character_changes_the_fingerprint(bench, one, other, media_type):
    bench.insert()
    first, second = (look(bench, contents, media_type) for contents in (one, other))
    assert fingerprint(first) == expected(one)
    assert fingerprint(second) == expected(other)
    assert fingerprint(first) != fingerprint(second)
    same = look(bench, one, media_type)
    assert same == first
    if media_type == PDF:
        assert "CONTENU NON AFFICHÉ" in first[-1]
    elif len(one) == 1:
        assert content_text(first, "Ordonnance") == one[0].strip()
    assert bench.card.verify_count == 0
