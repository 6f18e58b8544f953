"""What the person is shown before agreeing, as a value.

What it is: documents of a request -> pages, fingerprint, and the honest word for each document: its content was
shown, or its title only. What it is not: pixels (``screen``) or the keys that turn the pages (``vault.flow``).
Rule: ``content`` means that every character of the document stands on the pages, as it is; anything the screen cannot
show so is shown by title and says so (design §5, *Consent*; contract, ``sign``). The atlas is a closed set without
controls, bidi or zero-width characters (a test holds it to that), so ``drawable`` alone decides; a tab would look like
spaces, so it is none of them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.contract.messages import Document, Shown, is_plain_text
from appliance.errors import SchemaInvalid
from appliance.screen.text import COLUMNS, CONSENT_COLUMNS, CONSENT_LINES, CONSENT_LINES_UNSHOWN, drawable, wrap

MAX_CHARACTERS = 1500
FINGERPRINT_DIGITS = 16
GROUP = 4

Reason = Literal["media-type", "encoding", "too-long", "characters"]


@dataclass(frozen=True, slots=True, repr=False)
class ShownDocument:
    """How one document is shown; ``reason`` says why its content is not, None when it is."""

    title: str
    shown: Shown
    reason: Reason | None
    sha256: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """One page: a heading row, and at most ``CONSENT_LINES`` lines (``CONSENT_LINES_UNSHOWN`` without content).

    Page 1, the summary, has no lines: the screen draws requester, signer and heading there. The last page is where the
    person agrees: the screen adds the fingerprint, and CONTENU NON AFFICHÉ stands there if any content is not shown;
    it may have no lines for that.
    """

    heading: str
    lines: tuple[str, ...]
    content_shown: bool


@dataclass(frozen=True, slots=True, repr=False)
class Consent:
    """What one agreement covers.

    Attributes:
        documents: in the order of the request.
        heading: the title, or the count of a batch.
        fingerprint: 16 hexadecimal digits, ``"0123 4567 89ab cdef"``: the start of the SHA-256 of the document as
            supplied, or for a batch of its documents' 32-byte digests in order.
        pages: two or more; agreement counts only once the last was reached.
    """

    documents: tuple[ShownDocument, ...]
    heading: str
    fingerprint: str
    pages: tuple[Page, ...]

    @property
    def shown(self) -> Shown:
        """``content`` when every document's content is on the pages, else ``title``."""
        return "content" if all(document.shown == "content" for document in self.documents) else "title"

    @property
    def content_shown(self) -> bool:
        """The same as ``shown``, for the screen."""
        return self.shown == "content"

    @property
    def count(self) -> int:
        """How many documents, 1 or more."""
        return len(self.documents)


def compose(documents: Sequence[Document], requester: str = "") -> Consent:
    """Say what is shown of ``documents``, one or more, asked by ``requester`` (its label or client id).

    A title or requester too long for its row is shown whole on a page of its own.

    Raises:
        SchemaInvalid: a title holds what the screen cannot show; there would be nothing left to agree to.
    """
    texts = [_text(document) for document in documents]
    looks = tuple(
        ShownDocument(
            document.title,
            "title" if reason else "content",
            reason,
            hashlib.sha256(document.data).digest(),
        )
        for document, (_, reason) in zip(documents, texts, strict=True)
    )
    if not all(drawable(look.title) for look in looks):
        raise SchemaInvalid("title: a character the screen cannot show")
    heading = looks[0].title if len(looks) == 1 else f"{len(looks)} documents"
    summary = Page(heading, (), all(look.shown == "content" for look in looks))
    pages = [summary, *_whole(requester, requester, content_shown=summary.content_shown)]
    pages += _titles_and_texts(looks, [text for text, _ in texts])
    if not summary.content_shown and (pages == [summary] or pages[-1].content_shown):
        pages.append(summary)
    return Consent(looks, heading, fingerprint([look.sha256 for look in looks]), tuple(pages))


def fingerprint(digests: Sequence[bytes]) -> str:
    """The fingerprint of one document, or of a batch, from the 32-byte digests in order."""
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    digits = whole.hex()[:FINGERPRINT_DIGITS]
    return " ".join(digits[at : at + GROUP] for at in range(0, FINGERPRINT_DIGITS, GROUP))


def _text(document: Document) -> tuple[str, Reason | None]:
    """The content to show, or ``""`` and why not. A line break is LF or CR LF (RFC 2046 §4.1.1)."""
    if not is_plain_text(document.media_type):
        return "", "media-type"
    try:
        text = document.data.decode("utf-8")
    except UnicodeDecodeError:
        return "", "encoding"
    if len(text) > MAX_CHARACTERS:
        return "", "too-long"
    text = text.replace("\r\n", "\n")
    return (text, None) if all(drawable(line) for line in text.split("\n")) else ("", "characters")


def _titles_and_texts(looks: Sequence[ShownDocument], texts: Sequence[str]) -> Iterator[Page]:
    """The pages after the summary: texts page by page, titles without content packed together, in order."""
    alone = len(looks) == 1
    packed_heading = looks[0].title if alone else f"{len(looks)} documents"
    titles: list[str] = []
    for index, (look, text) in enumerate(zip(looks, texts, strict=True), start=1):
        label = look.title if alone else f"{index}/{len(looks)} {look.title}"
        if look.shown == "title":
            titles += [] if alone and len(label) <= COLUMNS else wrap(label, CONSENT_COLUMNS)
            continue
        yield from _paged(packed_heading, titles, content_shown=False)
        titles = []
        yield from _whole(label, label, content_shown=True)
        yield from _paged(label, wrap(text, CONSENT_COLUMNS), content_shown=True)
    yield from _paged(packed_heading, titles, content_shown=False)


def _whole(heading: str, text: str, *, content_shown: bool) -> Iterator[Page]:
    """The pages that show a text whole when one row cannot; none when it can."""
    if len(text) > COLUMNS:
        yield from _paged(heading, wrap(text, CONSENT_COLUMNS), content_shown=content_shown)


def _paged(heading: str, lines: Sequence[str], *, content_shown: bool) -> Iterator[Page]:
    size = CONSENT_LINES if content_shown else CONSENT_LINES_UNSHOWN
    for start in range(0, len(lines), size):
        yield Page(heading, tuple(lines[start : start + size]), content_shown)
