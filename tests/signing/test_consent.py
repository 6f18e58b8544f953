"""What the person is shown: faithful pages, honest words, and a fingerprint that follows every bit."""

import hashlib
import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.contract.messages import Document
from appliance.errors import SchemaInvalid
from appliance.screen.atlas import CHARACTERS
from appliance.screen.fr import WORDS
from appliance.screen.kinds import Consent
from appliance.screen.screens import render
from appliance.screen.text import COLUMNS, CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN, drawable
from appliance.signing.consent import MAX_CHARACTERS, Page, compose, fingerprint

PLAIN = "text/plain;charset=utf-8"
ALPHABET = st.sampled_from(sorted(CHARACTERS))
TEXTS = st.text(st.one_of(ALPHABET, st.just("\n"), st.just(" ")), min_size=1, max_size=MAX_CHARACTERS)
TITLES = st.text(ALPHABET, min_size=1, max_size=64).map(str.strip).filter(lambda title: title and title.isprintable())
MEDIA = st.sampled_from([PLAIN, "application/pdf", "text/plain"])


def document(data="Pansement simple", title="Ordonnance", media_type=PLAIN):
    content = data if isinstance(data, bytes) else data.encode()
    return Document(kind="content", media_type=media_type, title=title, data=content)


def shown_text(pages):
    return "".join("".join(page.lines) for page in pages)


def bare(text):
    """A text without what line breaking may take: blanks and line ends."""
    return re.sub(r"\s", "", text)


def test_a_short_text_is_shown_whole_on_the_page_after_the_summary():
    consent = compose([document("Pansement simple\nà domicile")], "poste-1")
    assert consent.pages == (
        Page("Ordonnance", (), content_shown=True),
        Page("Ordonnance", ("Pansement simple", "à domicile"), content_shown=True),
    )
    assert (consent.shown, consent.content_shown, consent.count) == ("content", True, 1)
    assert consent.documents[0].reason is None


def test_fingerprint_is_the_start_of_sha256_of_the_bytes_as_supplied():
    consent = compose([document(b"abc")])
    assert consent.fingerprint == "ba78 16bf 8f01 cfea", "FIPS 180-2, appendix B.1"


def test_fingerprint_of_a_batch_is_over_the_digests_in_order():
    first, second = document(b"abc"), document(b"abd")
    digests = [hashlib.sha256(data).digest() for data in (b"abc", b"abd")]
    expected = hashlib.sha256(digests[0] + digests[1]).hexdigest()
    assert compose([first, second]).fingerprint.replace(" ", "") == expected[:16]
    assert compose([second, first]).fingerprint != compose([first, second]).fingerprint
    assert compose([first, first]).fingerprint != compose([first]).fingerprint


@given(TEXTS, st.data())
def test_one_changed_character_changes_the_fingerprint(text, data):
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(ALPHABET)
    assume(other != text[at])
    changed = text[:at] + other + text[at + 1 :]
    assert compose([document(changed)]).fingerprint != compose([document(text)]).fingerprint


@given(st.binary(min_size=32, max_size=32))
def test_fingerprint_is_four_groups_of_four(digest):
    assert fingerprint([digest]) == re.sub("(.{4})(?=.)", r"\1 ", digest.hex()[:16])


@given(TEXTS, TITLES)
def test_shown_content_stands_on_the_pages_character_by_character(text, title):
    consent = compose([document(text, title)])
    assert consent.shown == "content"
    wide = [page for page in consent.pages[1:] if len(title) > COLUMNS]
    prefix = title if wide else ""
    assert bare(shown_text(consent.pages)) == bare(prefix + text)


@given(st.lists(st.tuples(TEXTS, TITLES, MEDIA), min_size=1, max_size=12), st.text("abc-1", max_size=40))
def test_pages_fit_the_screen_and_every_title_can_be_read_whole(items, requester):
    documents = [document(text, title, media) for text, title, media in items]
    consent = compose(documents, requester)
    assert consent.pages[0].lines == ()
    assert len(consent.documents) == consent.count == len(items)
    assert len(consent.pages) >= 2
    assert consent.pages[-1].content_shown == consent.content_shown, (
        "whoever agrees has CONTENU NON AFFICHÉ before them"
    )
    for page in consent.pages[1:]:
        assert len(page.lines) >= 1 or page is consent.pages[-1]
        assert len(page.lines) <= (CONSENT_LINES if page.content_shown else CONSENT_LINES_UNSHOWN)
        assert all(len(line) <= CONSENT_COLUMNS and drawable(line) for line in page.lines)
    everything = bare(shown_text(consent.pages)) + "\n" + "\n".join(bare(page.heading) for page in consent.pages)
    assert all(bare(title) in everything for _, title, _ in items)
    assert bare(requester) in everything or len(requester) <= COLUMNS
    assert [look.shown == "content" for look in consent.documents] == [media == PLAIN for _, _, media in items]
    assert consent.content_shown == all(media == PLAIN for _, _, media in items)


@pytest.mark.parametrize(
    ("media_type", "data", "reason"),
    [
        ("application/pdf", b"%PDF-1.7", "media-type"),
        ("text/plain", b"no charset", "media-type"),
        ("text/plain;charset=iso-8859-1", b"x", "media-type"),
        ("text/html;charset=utf-8", b"x", "media-type"),
        (PLAIN, b"\xff\xfe", "encoding"),
        (PLAIN, "é".encode("latin-1"), "encoding"),
        (PLAIN, b"\xed\xa0\x80", "encoding"),
        (PLAIN, ("é" * (MAX_CHARACTERS + 1)).encode(), "too-long"),
        (PLAIN, b"x" * (MAX_CHARACTERS + 1), "too-long"),
        (PLAIN, "chat 猫".encode(), "characters"),
        (PLAIN, b"a\tb", "characters"),
        (PLAIN, b"a\x00b", "characters"),
        (PLAIN, b"a\x1b[2Jb", "characters"),
        (PLAIN, b"10 mg\r100 mg", "characters"),
        (PLAIN, "zero\u200bwidth".encode(), "characters"),
        (PLAIN, "\ufeffmark".encode(), "characters"),
        (PLAIN, "bidi \u202e10\u202c".encode(), "characters"),
        (PLAIN, "isolate \u2066x\u2069".encode(), "characters"),
        (PLAIN, "shalom \u05e9".encode(), "characters"),
        (PLAIN, "line\u2028separator".encode(), "characters"),
        (PLAIN, "soft\u00adhyphen".encode(), "characters"),
        (PLAIN, "combining e\u0301".encode(), "characters"),
        (PLAIN, "private \ue000".encode(), "characters"),
    ],
)
def test_what_cannot_be_shown_as_it_is_is_shown_by_title_and_says_why(media_type, data, reason):
    consent = compose([document(data, media_type=media_type)])
    assert (consent.shown, consent.content_shown) == ("title", False)
    assert consent.documents[0].reason == reason
    assert consent.pages == (Page("Ordonnance", (), content_shown=False),) * 2, "a summary, and a page to agree on"
    assert consent.fingerprint.replace(" ", "") == hashlib.sha256(data).hexdigest()[:16]


def test_the_longest_text_is_shown_whole():
    text = "é" * MAX_CHARACTERS
    consent = compose([document(text)])
    assert consent.shown == "content"
    assert shown_text(consent.pages) == text


def test_line_ends_of_windows_are_line_ends_and_stay_in_the_fingerprint():
    windows, unix = compose([document("a\r\nb")]), compose([document("a\nb")])
    assert windows.pages == unix.pages
    assert windows.shown == "content"
    assert windows.fingerprint != unix.fingerprint


@pytest.mark.parametrize("title", ["猫", "e\u0301", "a\u05d0", "\u20bf"])
def test_a_title_that_cannot_be_drawn_is_refused_without_being_quoted(title):
    with pytest.raises(SchemaInvalid) as caught:
        compose([document(), document(title=title)])
    assert title not in str(caught.value)


def test_a_long_title_without_content_is_shown_whole_after_the_summary():
    title = "Certificat médical de non contre-indication"
    consent = compose([document(b"%PDF", title, "application/pdf")])
    assert consent.pages == (
        Page(title, (), content_shown=False),
        Page(title, ("Certificat médical", "de non contre-"), content_shown=False),
        Page(title, ("indication",), content_shown=False),
    )


def test_a_batch_shows_every_document_in_order_and_packs_titles():
    consent = compose(
        [
            document(b"%PDF", "Bilan", "application/pdf"),
            document(b"%PDF", "Photo", "image/png"),
            document("Pansement", "Acte"),
            document(b"%PDF", "Scan", "application/pdf"),
        ]
    )
    assert consent.heading == "4 documents"
    assert consent.pages == (
        Page("4 documents", (), content_shown=False),
        Page("4 documents", ("1/4 Bilan", "2/4 Photo"), content_shown=False),
        Page("3/4 Acte", ("Pansement",), content_shown=True),
        Page("4 documents", ("4/4 Scan",), content_shown=False),
    )
    assert consent.shown == "title", "one title alone makes the whole a title"
    assert [look.shown for look in consent.documents] == ["title", "title", "content", "title"]


def test_a_batch_that_ends_with_a_text_is_agreed_to_on_a_page_that_says_not_all_was_shown():
    consent = compose([document(b"%PDF", "Bilan", "application/pdf"), document("Pansement", "Acte")])
    assert consent.pages[-2:] == (
        Page("2/2 Acte", ("Pansement",), content_shown=True),
        Page("2 documents", (), content_shown=False),
    )


@given(st.lists(st.tuples(TEXTS, TITLES, MEDIA), min_size=1, max_size=4), st.text("abc-1", min_size=4, max_size=40))
def test_the_screen_draws_every_page_whole(items, requester):
    consent = compose([document(text[:200], title, media) for text, title, media in items], requester)
    for number, page in enumerate(consent.pages, start=1):
        screen = Consent(
            requester=requester,
            paired=False,
            signer="C. MARTIN",
            heading=page.heading,
            lines=page.lines,
            page=number,
            pages=len(consent.pages),
            fingerprint=consent.fingerprint,
            content_shown=page.content_shown,
            agree=number == len(consent.pages),
        )
        assert render(screen, WORDS).size == (128, 64)


def test_a_requester_too_long_for_its_row_is_shown_whole():
    requester = "cabinet-des-tilleuls-poste-de-soins-no-2"
    consent = compose([document()], requester)
    assert "".join(consent.pages[1].lines) == requester


@given(st.binary(min_size=1, max_size=400), TITLES)
def test_any_bytes_give_a_consent(data, title):
    consent = compose([document(data, title)])
    assert consent.shown in {"content", "title"}
    assert (consent.documents[0].reason is None) == (consent.shown == "content")


def test_the_atlas_has_nothing_unseen_and_nothing_that_reorders():
    """``compose`` trusts ``drawable`` for this."""
    unseen = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"}
    assert not [hex(ord(sign)) for sign in CHARACTERS if unicodedata.category(sign) in unseen]
    assert not [hex(ord(sign)) for sign in CHARACTERS if unicodedata.bidirectional(sign) in {"R", "AL", "AN"}]
    assert [sign for sign in CHARACTERS if sign.isspace()] == [" "]
