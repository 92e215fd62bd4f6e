"""The portal in which customers look after their orders and start returns: how it looks, and who is let in. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from hmac import compare_digest

from entrepot.kernel.shapes import shape
from entrepot.languages import LANGUAGES

COLOR = re.compile(r"#[0-9a-f]{6}")
ADDRESS = re.compile(r"(https://|mailto:)[\w.@:/?&=%~+-]+", re.ASCII)
CONTRAST_LEAST = 4.5
"""Of white on the accent: WCAG 2.2, 1.4.3."""


@shape("returns.portal", link_days=(1, 365))
@dataclass(frozen=True, slots=True)
class Portal:
    """The portal of a channel, or of all without a scope; shut until it says `is_open`.

    `name` and `greeting` are the retailer's own words, `greetings` the same by language (`de`, `en`), `accent` the
    color of heads and buttons (white can be read on it), `contact` how to reach the retailer, as a number and its
    hours. `help` and `privacy` are addresses, https or mailto. A link that customer service makes is good for
    `link_days`. `send_to` has the lines of the postal address of nodes that returns come to, by code.
    """

    is_open: bool = False
    name: str = ""
    greeting: str = ""
    greetings: dict[str, str] = field(default_factory=dict)
    accent: str = "#1d4f54"
    help: str = ""
    contact: str = ""
    privacy: str = ""
    link_days: int = 30
    send_to: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not COLOR.fullmatch(self.accent):
            raise ValueError(f"accent: expected a color as #1d4f54, found {self.accent}")
        if contrast_with_white(self.accent) < CONTRAST_LEAST:
            raise ValueError(f"accent: expected a color dark enough for white text, found {self.accent}")
        if unknown := ", ".join(sorted(set(self.greetings) - set(LANGUAGES))):
            raise ValueError(f"greetings: expected languages among {', '.join(LANGUAGES)}, found {unknown}")
        for name in ("help", "privacy"):
            found = getattr(self, name)
            if found and not ADDRESS.fullmatch(found):
                raise ValueError(f"{name}: expected an address with https:// or mailto:, found {found}")

    def greeting_in(self, language: str) -> str:
        """The retailer's greeting to who reads a language; the one for all where there is none in it."""
        return self.greetings.get(language) or self.greeting


def contrast_with_white(color: str) -> float:
    """How well white can be read on a color, 1 to 21, by the formula of WCAG 2.2."""
    red, green, blue = (_linear(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # type: ignore[no-any-return]


def proves(said: str, known: str) -> bool:
    """Whether what somebody said beside the number of an order is what the order has: case and blanks do not matter.

    What an order does not have proves nothing.
    """
    given, own = _plain(said), _plain(known)
    return compare_digest(given.encode(), own.encode()) and bool(own)


def numbers(said: str) -> list[str]:
    """What an order may be called that somebody calls so: telephones write capitals as they please, and people leave
    the # away with which shops show numbers, or copy it."""
    plain = bare(said)
    written = "".join(said.split()).lstrip("#")
    ways = (written, plain.upper(), plain) if plain else ()
    return list(dict.fromkeys(one for way in ways for one in (said.strip(), way, f"#{way}")))


def bare(number: str) -> str:
    """A number as its tries are counted, however it is written."""
    return _plain(number).lstrip("#")


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def refund_step(state: str) -> str:
    """How far a refund is, to the customer whose it is; '' for one that somebody rejected, which is not his to see."""
    return {
        "agreed": "agreed", "waiting": "checked", "approved": "sent", "failed": "held up", "paid": "given",
    }.get(state, "")  # fmt: skip


STEPS = ("asked", "accepted", "on its way", "arrived", "checked", "refunded")
"""What a customer sees of a return, in order."""


REPAIR_STEPS = (
    "asked",
    "accepted",
    "on its way",
    "arrived",
    "in repair",
    "repaired",
    "sent back",
    "with you again",
)
"""What a customer sees of a return that he wants repaired, in order."""


def repair_step(before: str, states: Collection[str], disposed: int, waits: int) -> str:
    """The last of REPAIR_STEPS that a return has reached whose units are in repair, by the states of its repairs, which
    wait for the slowest; `before` is its step without them. `waits`: units that are in no repair yet, and that nothing
    else has become of. Where something else has become of all of them it is the step without repairs."""
    if before not in ("arrived", "checked", "refunded"):
        return before
    states = [one for one in states if one != "settled"]
    if waits > 0:
        return "in repair" if disposed else "arrived"
    if not states:
        return before
    if any(one in ("offered", "agreed", "declined", "failed") for one in states):
        return "in repair"
    if "repaired" in states:
        return "repaired"
    return "with you again" if set(states) == {"delivered"} else "sent back"


def step(
    state: str,
    units: int,
    received: int,
    disposed: int,
    refunded: int,
    to_come: int = 0,
    *,
    sent: bool = False,
    refused: int = 0,
) -> str:
    """The last of STEPS that a whole return has reached; a word of its own for one that was declined or called off, or
    of which nothing is taken back: `refused` units were refused after they had come.
    `sent`: a carrier has it, or its customer told by which one it comes.

    Where money, or something else instead, is given before the goods have come, these are still to be sent.
    """
    if state in ("declined", "cancelled"):
        return state
    if units and refused >= units:
        return "refused"
    if units and refunded + refused >= units and not to_come:
        return "refunded"
    if units and disposed >= units:
        return "checked"
    if received:
        return "arrived"
    if state == "requested":
        return "asked"
    return "on its way" if sent else "accepted"
