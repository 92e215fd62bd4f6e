"""A provider that answers from a record, for tests and the demo: the same question always gets the same answer."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel.errors import Unavailable
from entrepot.payments.providers import Asked, Outcome, Told


class FakeClient:
    """References that say so are declined (`declined…`; `unheld…` where an amount is to be held) or time out a
    number of times (`slow2…` twice) first."""

    def __init__(self) -> None:
        self.answers: dict[object, Outcome] = {}
        self.asked: list[Asked] = []
        self.told: list[Told] = []

    def settled(self) -> list[tuple[Asked, Outcome]]:
        """Everything that was asked, once, with its outcome."""
        questions = {one.attempt: one for one in self.asked}
        return [(one, self.answers[attempt]) for attempt, one in questions.items() if attempt in self.answers]

    def ask(self, asked: Asked) -> Outcome:
        self.asked.append(asked)
        if asked.reference.startswith("slow"):
            times = int(asked.reference[4])
            if sum(one.attempt == asked.attempt for one in self.asked) <= times:
                raise Unavailable("the provider did not answer in time")
        if asked.attempt not in self.answers:
            declined = asked.reference.startswith(
                ("declined", "unheld") if asked.kind == "hold" else "declined"
            )
            error = "card declined" if declined else ""
            self.answers[asked.attempt] = Outcome(not declined, f"fake_{asked.attempt.hex[-12:]}", error)
        return self.answers[asked.attempt]

    def answer(self, told: Told) -> Outcome:
        """It takes every answer but those to disputes that are named `declined…`."""
        self.told.append(told)
        if told.external_id.startswith("declined"):
            return Outcome(False, "", "the bank does not listen any more")
        return Outcome(True, told.external_id)


FEE_PERMILLE, FEE_MINOR = 14, 20
"""What it keeps of a charge: 1.4 % and 20 minor units, rounded down."""


def payout(asked: Sequence[tuple[Asked, Outcome]]) -> list[tuple[str, str, int, int]]:
    """The lines of the payout in which this provider settles what it was asked: kind, reference, amount, fee."""
    kinds = {"capture": "charge", "refund": "refund"}
    return [
        (
            kinds[one.kind], outcome.reference, one.amount_minor,
            one.amount_minor * FEE_PERMILLE // 1000 + FEE_MINOR if one.kind == "capture" else 0,
        )
        for one, outcome in asked
        if outcome.ok and one.kind in kinds
    ]  # fmt: skip


client = FakeClient()
