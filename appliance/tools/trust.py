"""``appliance trust import`` and ``appliance trust list``: whom this box believes, as files.

What it is: the installer's way to put authorities into the trust directory, and to see what stands there. What it is
not: a download, or a judgement of a card. Rule: the nine IGC-Santé authorities are known by fingerprint and taken
without a question; any other one only by a person's word about this very fingerprint; exit 0 when all asked for is
there, 1 when something was refused or is damaged, 2 usage, 3 nothing to work on (design §6).
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from appliance.card.chain_link import Link, read_link, subject_text
from appliance.card.igc_sante import PINS
from appliance.config import DEFAULT_PATH, load
from appliance.errors import CardDataMalformed, ConfigError
from appliance.vault.trust_files import calls_itself_test, certificates_in, keep, read_file, read_store

FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``appliance trust``."""
    commands = parser.add_subparsers(dest="what", required=True)
    bring = commands.add_parser("import", help="put authorities of a .p7b, .pem or .cer file into the store")
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument(
        "--yes",
        action="append",
        type=_fingerprint,
        default=[],
        metavar="SHA256",
        help="accept the authority with this fingerprint without asking; may be repeated",
    )
    shown = commands.add_parser("list", help="the authorities of the store")
    for command in (bring, shown):
        command.add_argument("--config", type=Path, default=DEFAULT_PATH, help="configuration (default: %(default)s)")
        command.add_argument("--json", action="store_true", help="one JSON object on the last line")


def main(args: argparse.Namespace) -> int:
    """Run one of them; the exit code."""
    try:
        settings = load(args.config).trust
    except ConfigError as error:
        return _complain(str(error), 2)
    if args.what == "list":
        return _list(settings.directory, test=settings.test, json=args.json)
    return _import(args, settings.directory, _ask if sys.stdin.isatty() else None)


def _list(directory: Path, *, test: bool, json: bool) -> int:
    contents = read_store(directory)
    for file, problem in contents.damaged:
        _complain(f"{file}: {problem}", 1)
    rows = [
        {
            **_members(entry.link),
            "store": "test" if entry.link.test else "production",
            "counts": test or not entry.link.test,
            "file": entry.file,
        }
        for entry in contents.entries
    ]
    if json:
        damaged = [{"file": file, "problem": problem} for file, problem in contents.damaged]
        _say(msgspec.json.encode({"directory": str(directory), "test": test, "authorities": rows, "damaged": damaged}))
    else:
        for row in rows:
            mark = "" if row["store"] == "production" else " (test)" if row["counts"] else " (test: does not count)"
            _say(f"{row['subject']}{mark}")
            _say(f"  SHA-256 {row['sha256']}\n  {row['notBefore']} to {row['notAfter']}, {row['file']}")
    if contents.damaged:
        return 1
    return 0 if rows else _complain(f"no authority in {directory}", 3)


def _import(args: argparse.Namespace, directory: Path, ask: Callable[[Link], bool] | None) -> int:
    """Take what is known or agreed to, name the rest; ``ask`` is None where nobody can be asked."""
    try:
        links = [read_link(der) for der in certificates_in(read_file(args.file))]
    except OSError as error:
        return _complain(f"{args.file}: {error.strerror}", 2)
    except CardDataMalformed as error:
        return _complain(f"{args.file}: {error}", 3)
    before = {entry.link.fingerprint for entry in read_store(directory).entries}
    told: list[dict[str, object]] = []
    for link in links:
        outcome = _decide(link, before, set(args.yes), ask)
        if outcome in OUTCOMES:
            try:
                keep(directory, link)
            except OSError as error:
                return _complain(f"{directory}: {error.strerror}", 1)
            before.add(link.fingerprint)
        told.append(
            {**_members(link), "store": "test" if calls_itself_test(link) else "production", "outcome": outcome}
        )
        if not args.json:
            _say(f"{outcome}: {told[-1]['subject']}\n  SHA-256 {told[-1]['sha256']}")
    if args.json:
        _say(msgspec.json.encode({"directory": str(directory), "authorities": told}))
    refused = [one for one in told if one["outcome"] not in {*OUTCOMES, "present"}]
    return _complain(f"{len(refused)} of {len(told)} not taken", 1) if refused else 0


OUTCOMES: Final = frozenset({"pinned", "accepted"})
"""What becomes of a certificate that is kept; else it is ``present`` already, ``refused``, or ``no-authority``."""


def _decide(link: Link, before: set[bytes], agreed: set[str], ask: Callable[[Link], bool] | None) -> str:
    if not link.authority:
        return "no-authority"
    if link.fingerprint in before:
        return "present"
    if link.fingerprint.hex() in PINS:
        return "pinned"
    if link.fingerprint.hex() in agreed or (ask is not None and ask(link)):
        return "accepted"
    return "refused"


def _ask(link: Link) -> bool:
    """Show one authority on standard error and take a person's word; only the word ``yes`` is one."""
    members = _members(link)
    sys.stderr.write(
        f"This authority is not one that the appliance knows:\n  {members['subject']}\n  SHA-256 {members['sha256']}\n"
        f"  valid {members['notBefore']} to {members['notAfter']}\n"
        "Compare the fingerprint with one that came another way. Trust every card it issues? (yes/no) "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _members(link: Link) -> dict[str, object]:
    return {
        "subject": subject_text(link.der),
        "sha256": link.fingerprint.hex(),
        "notBefore": link.not_before.isoformat(),
        "notAfter": link.not_after.isoformat(),
        "root": link.root,
        "pinned": link.fingerprint.hex() in PINS,
    }


def _fingerprint(text: str) -> str:
    """A SHA-256 in hex, in either case, with or without colons."""
    plain = text.replace(":", "").lower()
    if not FINGERPRINT.fullmatch(plain):
        raise argparse.ArgumentTypeError("a SHA-256 fingerprint has 64 hexadecimal digits")
    return plain


def _say(text: str | bytes) -> None:
    sys.stdout.write(f"{text.decode() if isinstance(text, bytes) else text}\n")


def _complain(text: str, code: int) -> int:
    sys.stderr.write(f"appliance trust: {text}\n")
    return code
