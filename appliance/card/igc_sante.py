"""The authorities of the health professionals' cards, by fingerprint.

What it is: data: the nine IGC-Santé authorities of 2013, whose certificates end in 2033 (card-reference §7.1). What it
is not: a list of what is trusted: only what stands in the trust directory is, and newer authorities come there by a
person's word. Rule: a fingerprint here only spares the question whether the file in hand is the true one.
"""

from collections.abc import Mapping
from typing import Final

PINS: Final[Mapping[str, str]] = {
    "2d9e22ca19f777c6b745257c723ecb8df3c35fa6f1f6ec36b83600c97346967f": "AC RACINE IGC-SANTE ELEMENTAIRE",
    "53d30a19570826bde0c0762501f1f1c7a659f976c6c023123df5239df34a4eea": "AC RACINE IGC-SANTE FORT",
    "5891815e864506c662afb32f8de5b8de38bffa1af721780b69e19a0c050386c3": "AC RACINE IGC-SANTE STANDARD",
    "d834ee5b40686b73573f60547bf6052c6d404d942a5665cdb2c0b9137b5d27b2": "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS",
    "19c1eaeab477b6fbc233cda3b53fbdbc3f4e9bf6cf6973e46f7dfaef89c06c6c": "AC IGC-SANTE ELEMENTAIRE PERSONNES",
    "23f69674002d1dd4b018baecd908dc92687942bb48e5140ff895e2f56bc49c0d": "AC IGC-SANTE FORT ORGANISATIONS",
    "38284e4f6107456e70c7439c85da7d564d0fe1fe1a968c9eb6d43e1fc0d63c3a": "AC IGC-SANTE FORT PERSONNES",
    "c0520a2b14fb68836a807bf86ab2b3e07d1b6061d91bc9c7b86a6f8de4b5638e": "AC IGC-SANTE STANDARD ORGANISATIONS",
    "6c339ebcb3e1b0102b143c9694225c2a4ab2ef6fedf7d364da8db305e7f7d997": "AC IGC-SANTE STANDARD PERSONNES",
}
"""SHA-256 of the certificate's DER, lower-case hex -> common name."""
