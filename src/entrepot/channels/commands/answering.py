"""Answers of suppliers to orders (855): each confirms or refuses its order whole or not at all. Inside a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from entrepot.channels.commands.document_sets import DocumentSet
from entrepot.channels.x12 import goods
from entrepot.channels.x12.envelope import X12Error
from entrepot.channels.x12.goods import Answered, Wanted
from entrepot.channels.x12.order_answer import OrderAnswer
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import tried
from entrepot.kernel.errors import AllOrNothing, Refused, Said
from entrepot.purchasing.commands.confirm import ConfirmOrder, confirm
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships


@dataclass(slots=True)
class AnsweredSet(DocumentSet):
    """A set of an interchange that answers an order, while it is dealt with."""

    said: OrderAnswer
    told: Answered | None = None

    @property
    def packages(self) -> int:
        return 0

    @property
    def units(self) -> int:
        return self.told.units if self.told else 0

    def end(self, answer: object) -> None:
        if isinstance(answer, Refused):
            self.refuse(answer)
        else:
            self.take(self.said.order)


def find(one: AnsweredSet, orders: Mapping[str, Sequence[Wanted]], today: date) -> None:
    """The order lines that an answer speaks of."""
    try:
        one.told = goods.answered(one.said, orders, today)
    except X12Error as error:
        one.misread(error)


def take(cause: Cause, answers: Sequence[tuple[datetime | None, AnsweredSet]]) -> None:
    """Confirm what is answered, as of when it came; of a drop-ship order refuse what is not sent. The statements of
    `confirm`, `confirm_drop_ships` and `refuse_drop_ships`, where there is something for them, and of the latter two
    again where an answer is refused."""
    ours = [(at, one, one.told) for at, one in answers if one.told and not one.told.is_drop_ship]
    asked = [
        ConfirmOrder(told.order, told.lines, one.said.reference, at, notes=told.notes)
        for at, one, told in ours
    ]
    for (_, one, _), answer in zip(ours, confirm(cause, requests=asked) if asked else (), strict=True):
        one.end(answer)
    left = [(at, one, one.told) for at, one in answers if one.told and one.told.is_drop_ship]
    while left:
        answered: dict[int, object] = {}
        is_done = not tried(lambda: _to_customers(cause, left, answered))  # noqa: B023  carried out here and now
        for place, (_, one, _) in enumerate(left):
            if is_done or isinstance(answered[place], Refused):
                one.end(answered[place])
        left = [] if is_done else [each for each in left if each[1].waits]


_ToCustomer = tuple[datetime | None, AnsweredSet, Answered]


def _to_customers(cause: Cause, asked: Sequence[_ToCustomer], answered: dict[int, object]) -> None:
    """Confirm and refuse drop-ship orders, and note what is `answered` by the place in `asked`. Raises AllOrNothing
    where one is refused: of none one half shall be done without the other."""
    sent = [(place, *each) for place, each in enumerate(asked) if each[2].lines]
    confirming = [
        ConfirmDropShip(told.order, one.said.reference, told.due_on, at) for _, at, one, told in sent
    ]
    taken = confirm_drop_ships(cause, requests=confirming) if confirming else ()
    answered.update(zip((place for place, *_ in sent), taken, strict=True))
    rest = [
        (place, *each)
        for place, each in enumerate(asked)
        if each[2].refused and not isinstance(answered.get(place), Refused)
    ]
    refusing = [
        RefuseDropShip(
            told.order,
            Said("refused with answer {0}", one.said.reference or one.said.control),
            told.refused,
            at,
        )
        for _, at, one, told in rest
    ]
    refused = refuse_drop_ships(cause, requests=refusing) if refusing else ()
    answered.update(zip((place for place, *_ in rest), refused, strict=True))
    if wrong := [one for one in answered.values() if isinstance(one, Refused)]:
        raise AllOrNothing(wrong)
