"""Place the orders of a file: tried out first, then in batches, each order whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from entrepot.channels.spreadsheet import parse
from entrepot.channels.spreadsheet.parse import Grouped, Wrong
from entrepot.channels.spreadsheet.read import Sheet
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import rehearse
from entrepot.kernel.errors import Refused
from entrepot.kernel.money import extend
from entrepot.orders import errors
from entrepot.orders.commands.place import (
    AddressGiven,
    OrderLine,
    PaymentGiven,
    Placed,
    PlaceOrder,
    PromotionGiven,
    place,
)
from entrepot.progress import Progress

BATCH = 500
"""Orders of a transaction: a run that is stopped goes on where it was."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order, or would: its status, or `duplicate` where it had come before."""

    order: str
    row: int
    lines: int
    units: int
    total_minor: int
    currency: str
    status: str
    number: str
    holds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why each of the holds is there."""


@dataclass(slots=True)
class Report:
    """What came of a file. `placed` are new; `duplicates` had come before; `refused` are orders with a fault."""

    tried: bool
    rows: int
    orders: int
    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    mapping: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Columns of the file that no field is read from."""
    repeated: Sequence[int] = ()
    """Rows that say the same as an earlier one of their order, and are lines of their own all the same."""

    @property
    def placed(self) -> int:
        return sum(one.status != "duplicate" for one in self.outcomes)

    @property
    def duplicates(self) -> int:
        return len(self.outcomes) - self.placed

    @property
    def held(self) -> int:
        return sum(bool(one.holds) for one in self.outcomes)

    @property
    def refused(self) -> int:
        return self.orders - len(self.outcomes)

    def totals(self) -> dict[str, int]:
        """What the new orders are worth, by currency."""
        sums: dict[str, int] = {}
        for one in self.outcomes:
            if one.status != "duplicate":
                sums[one.currency] = sums.get(one.currency, 0) + one.total_minor
        return sums

    def as_json(self) -> dict[str, Any]:
        figures = {name: getattr(self, name) for name in ("placed", "duplicates", "held", "refused")}
        return {
            "dry_run": self.tried, "rows": self.rows, "orders": self.orders, **figures, "totals": self.totals(),
            "columns": dict(self.mapping), "unread_columns": list(self.unread), "repeated_rows": list(self.repeated),
            "results": [asdict(one) for one in self.outcomes],
            "errors": [
                {"row": one.row, "column": one.column, "expected": str(one.expected), "found": str(one.found),
                 "order": one.order}
                for one in self.wrong
            ],
        }  # fmt: skip


def run(
    cause: Cause,
    *,
    company: int,
    channel: str,
    currency: str,
    sheet: Sheet,
    mapping: Mapping[str, str],
    tries: bool = False,
) -> Report:
    """Place the orders of a sheet, or with `tries` carry all of it out and undo it.

    The same file again changes nothing: a channel's order is placed once. Orders with a fault are left out, whole.
    """
    parsed = parse.parse(sheet.header, sheet.rows, mapping, currency, sheet.merged)
    read = set(mapping.values())
    report = Report(
        tries, len(sheet.rows), max(parsed.found, len(parsed.orders)), wrong=list(parsed.wrong), mapping=mapping,
        unread=tuple(column for column in sheet.header if column and column not in read),
        repeated=parsed.repeated,
    )  # fmt: skip
    wanted = [(one, _order(company, channel, one, cause)) for one in parsed.orders]
    with Progress("Trying" if tries else "Placing", total=len(wanted), unit="orders") as bar:
        for batch in _batches(wanted):
            requests = [request for _, request in batch]
            answers = rehearse(place, cause, requests) if tries else place(cause, requests=requests)
            for (one, request), answer in zip(batch, answers, strict=True):
                _note(report, one, request, answer, mapping)
            bar.advance(len(batch))
    report.wrong.sort(key=lambda one: one.row)
    return report


def _batches(
    wanted: Sequence[tuple[Grouped, PlaceOrder]],
) -> Iterator[Sequence[tuple[Grouped, PlaceOrder]]]:
    for start in range(0, len(wanted), BATCH):
        yield wanted[start : start + BATCH]


def _note(
    report: Report, one: Grouped, request: PlaceOrder, answer: Placed | Refused, mapping: Mapping[str, str]
) -> None:
    row = one.rows[0].number
    reasons: tuple[str, ...] = ()
    if isinstance(answer, Placed):
        status, number, holds, reasons = answer.status, answer.number, answer.holds, answer.reasons
    elif isinstance(answer, errors.Duplicate):
        status, number, holds = "duplicate", answer.facts["number"], ()
    else:
        column = mapping.get(str(answer.facts.get("field")), mapping["order"])
        expected, found = (
            fact if isinstance(fact, str) else str(fact)
            for fact in (answer.facts.get("expected", answer.message), answer.facts.get("found", one.name))
        )
        report.wrong.append(Wrong(row, column, expected, found, one.name))
        return
    units = sum(line.quantity for line in request.lines)
    total = _total(request)
    report.outcomes.append(
        Outcome(
            one.name,
            row,
            len(request.lines),
            units,
            total,
            request.currency,
            status,
            number,
            tuple(holds),
            reasons,
        )
    )


def _total(request: PlaceOrder) -> int:
    lines = sum(
        extend(line.quantity, line.unit_price, request.currency) - line.discount_minor
        for line in request.lines
    )
    return lines - request.discount_minor + request.shipping_minor + request.tax_minor


def _order(company: int, channel: str, one: Grouped, cause: Cause) -> PlaceOrder:
    head = one.head
    ordered_at = head.get("ordered_at")
    payment = None
    if "provider" in head:
        reference = head.get("payment_reference", one.name)
        payment = PaymentGiven(head["provider"], reference, head["paid"], ordered_at or cause.at)
    address = None
    if "recipient" in head:
        address = AddressGiven(
            head["recipient"], head["line1"], head["city"], head.get("line2", ""), head.get("region", ""),
            head.get("email", ""), head.get("phone", ""),
        )  # fmt: skip
    return PlaceOrder(
        company, channel, one.name, tuple(_line(row.values) for row in one.rows), head["currency"], ordered_at,
        head.get("customer"), head.get("country", ""), head.get("postal_code", ""), address,
        head.get("discount", 0), head.get("shipping", 0), head.get("tax", 0), head.get("policy", ""),
        head.get("priority"), head.get("promise_at"), head.get("service", ""), payment,
        demand=head.get("demand", "sale"), campaign=head.get("campaign", ""),
        gift_message=head.get("gift_message", ""),
    )  # fmt: skip


def _line(values: Mapping[str, Any]) -> OrderLine:
    discount = values.get("line_discount", 0)
    promotions = (PromotionGiven(values["promotion"], discount),) if "promotion" in values else ()
    return OrderLine(
        values["sku"], values["quantity"], values["unit_price"], description=values.get("description", ""),
        discount_minor=discount, promotions=promotions,
    )  # fmt: skip
