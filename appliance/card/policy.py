"""What a kind of card may not be used for on this box.

What it is: one question over the type of a card. What it is not: trust or validity (chain, store) or the right of a
program to ask. Rule: a type that nobody knows is not refused for it.

Source: card-reference §1.1 (table G02): a CPF belongs to somebody in training, who does not sign alone.
"""

from collections.abc import Collection

from appliance.card.holder import Holder


def bars(holder: Holder, may_not_sign: Collection[str]) -> str | None:
    """The contract's code of what keeps a card of one of these types from signing; None when nothing does."""
    return "card-denied" if holder.card_type in may_not_sign else None
