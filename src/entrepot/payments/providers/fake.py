"""A provider that answers from a record, for tests and the demo: the same question always gets the same answer."""

from __future__ import annotations

from entrepot.kernel.errors import Unavailable
from entrepot.payments.providers import Asked, Outcome


class FakeClient:
    """References that say so are declined (`declined…`) or time out a number of times (`slow2…` twice) first."""

    def __init__(self) -> None:
        self.answers: dict[object, Outcome] = {}
        self.asked: list[Asked] = []

    def ask(self, asked: Asked) -> Outcome:
        self.asked.append(asked)
        if asked.reference.startswith("slow"):
            times = int(asked.reference[4])
            if sum(one.attempt == asked.attempt for one in self.asked) <= times:
                raise Unavailable("the provider did not answer in time")
        if asked.attempt not in self.answers:
            declined = asked.reference.startswith("declined")
            error = "card declined" if declined else ""
            self.answers[asked.attempt] = Outcome(not declined, f"fake_{asked.attempt.hex[-12:]}", error)
        return self.answers[asked.attempt]


client = FakeClient()
