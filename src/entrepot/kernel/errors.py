"""What the business or the outside can say instead of an answer. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self


class Said(str):
    """A fact that is words around facts of its own: as text it is English, and pages tell it in their language."""

    __slots__ = ("facts", "says")
    says: str
    facts: tuple[object, ...]

    def __new__(cls, says: str, *facts: object) -> Self:
        one = super().__new__(cls, says.format(*facts))
        one.says, one.facts = says, facts
        return one

    # So that it can be copied: braces of facts are no places.
    def __getnewargs__(self) -> tuple[object, ...]:  # type: ignore[override]
        return self.says, *self.facts


def one_of(names: Iterable[object]) -> Said:
    """What is expected where some names are known and no others."""
    return Said("one of {0}", ", ".join(map(str, names)))


class Refused(Exception):  # noqa: N818  a refusal is an answer; most are returned, few raised
    """The business says no, and nothing was written for this request.

    Subclasses name one refusal each: `code` is stable, `says` is a sentence with what was expected, what was found
    and what to do, filled from the facts given as keywords.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[str] = "conflict"  # conflict, not_found, invalid, forbidden
    says: ClassVar[str] = "The request was refused."
    known: ClassVar[dict[str, type[Refused]]] = {}

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts

    def __init_subclass__(cls) -> None:
        other = Refused.known.setdefault(cls.code, cls)
        if other is not cls and other.__qualname__ != cls.__qualname__:
            raise TypeError(
                f"refusal code {cls.code} is used by both {other.__qualname__} and {cls.__qualname__}"
            )

    @property
    def message(self) -> str:
        return self.told(self.says)

    def told(self, sentence: str, word: Callable[[str, Any], Any] = lambda _name, fact: fact) -> str:
        """The facts in a sentence: in `says`, or in a translation of it with a `word` for each fact by its name."""
        return sentence.format_map(_Facts({name: word(name, fact) for name, fact in self.facts.items()}))

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.facts.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and (self.code, self.facts) == (other.code, other.facts)

    __hash__ = None  # type: ignore[assignment]  # facts may hold lists


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return f"?{name}"


class NotPermitted(Refused):
    code = "kernel.not_permitted"
    kind = "forbidden"
    says = "{actor} may not do {command}. Ask an administrator for a role that includes it."


class RequestReused(Refused):
    code = "kernel.request_reused"
    kind = "invalid"
    says = "Key {key} was used before for {command} with other content. Send a new key, or the first content again."


class RequestInFlight(Refused):
    code = "kernel.request_in_flight"
    says = (
        "The request with key {key} is still being worked on. Send it again in a moment, with the same key."
    )


class KeyRepeated(Refused):
    code = "kernel.key_repeated"
    kind = "invalid"
    says = "Key {key} stands twice in one call. Give each request a key of its own."


class WrongState(Refused):
    code = "kernel.wrong_state"
    says = "{subject} is {found}; {event} needs it to be {expected}."


class NotFound(Refused):
    code = "kernel.not_found"
    kind = "not_found"
    says = "There is no {what} {which}."


class Invalid(Refused):
    code = "kernel.invalid"
    kind = "invalid"
    says = "{field}: expected {expected}, found {found}."


class TrialNeeded(Refused):
    """Policies of some kinds come into force only after a trial that the house has made of that very draft."""

    code = "kernel.trial_needed"
    says = (
        "A policy of {kind} comes into force after a {trial}, found {found}. Keep a draft, have it tried and activate"
        " it; who may put one in force untried says why."
    )


class Unavailable(Exception):  # noqa: N818  the outside failed
    """The outside did not answer as it should. The same call may be sent again."""


class Unheard(Unavailable):
    """Nobody answered, and what was asked may be done, now or in a moment: ask later what became of it."""


class Away(Unavailable):
    """Nobody is there at all: what else waits for the same destination need not be tried before this is again."""


class AllOrNothing(Exception):  # noqa: N818
    """A caller asked for all of a batch and some of it was refused; the transaction is undone."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals
