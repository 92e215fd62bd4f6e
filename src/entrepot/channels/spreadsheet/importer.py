"""Place the orders of a file: tried out first, then in batches, each order whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from entrepot.channels.spreadsheet import parse
from entrepot.channels.spreadsheet.parse import Grouped, Wrong
from entrepot.channels.spreadsheet.read import Sheet, lost_sheet
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import rehearse
from entrepot.kernel.errors import Refused
from entrepot.kernel.money import extend
from entrepot.network.destinations import end_of_day
from entrepot.orders import errors
from entrepot.orders.commands.place import (
    AddressGiven,
    BillingGiven,
    OrderLine,
    PaymentGiven,
    Placed,
    PlaceOrder,
    PromotionGiven,
    place,
)
from entrepot.orders.rules import GOODS
from entrepot.progress import Progress

NOTHING: Mapping[str, str] = {}
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order of a file that has no fault, and the first of its rows."""

    row: int
    order: PlaceOrder


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
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    """Sheets of the workbook that hold rows as well, and are not read."""
    usual_sheet: str = ""
    """The sheet that was chosen or is remembered; '': the first that can hold orders."""
    lost: Mapping[str, str] = field(default_factory=dict)
    """Fields that a column is remembered for which the file does not have."""

    @property
    def lost_sheet(self) -> str:
        """The usual sheet, where another one was read instead."""
        return lost_sheet(self.sheet, self.usual_sheet)

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
            "sheet": self.sheet, "unread_sheets": list(self.other_sheets), "missing_sheet": self.lost_sheet,
            "missing_columns": dict(self.lost),
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
    remembered: Mapping[str, str] = NOTHING,
    usual: str = "",
    tries: bool = False,
) -> Report:
    """Place the orders of a sheet, or with `tries` carry all of it out and undo it. What the file lacks of the columns
    that are `remembered`, and a `usual` sheet that another was read instead of, is told.

    The same file again changes nothing: a channel's order is placed once. Orders with a fault are left out, whole.
    """
    report, wanted = read_orders(
        cause, company=company, channel=channel, currency=currency, sheet=sheet, mapping=mapping,
        remembered=remembered, usual=usual, tries=tries,
    )  # fmt: skip
    with Progress("Trying" if tries else "Placing", total=len(wanted), unit="orders") as bar:
        for batch in batches(wanted, BATCH):
            serve(cause, report, batch)
            bar.advance(len(batch))
    report.wrong.sort(key=lambda one: one.row)
    return report


def read_orders(
    cause: Cause,
    *,
    company: int,
    channel: str,
    currency: str,
    sheet: Sheet,
    mapping: Mapping[str, str],
    remembered: Mapping[str, str] = NOTHING,
    usual: str = "",
    tries: bool,
) -> tuple[Report, list[Wanted]]:
    """What a sheet holds: a report that tells its faults and no outcome yet, and the orders that have none."""
    parsed = parse.parse(sheet.header, sheet.rows, mapping, currency, sheet.merged, sheet.padded)
    report = Report(
        tries, len(sheet.rows), max(parsed.found, len(parsed.orders)), wrong=list(parsed.wrong), mapping=mapping,
        unread=unread(sheet.header, mapping), repeated=parsed.repeated,
        sheet=sheet.name, other_sheets=sheet.others, usual_sheet=usual,
        lost=parse.lost(mapping, remembered, sheet.header),
    )  # fmt: skip
    return report, [Wanted(one.rows[0].number, _order(company, channel, one, cause)) for one in parsed.orders]


def unread(header: Sequence[str], mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Columns of a file that no field is read from."""
    read = set(mapping.values())
    return tuple(column for column in header if column and column not in read)


def batches(wanted: Sequence[Wanted], size: int) -> Iterator[Sequence[Wanted]]:
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]


def serve(cause: Cause, report: Report, batch: Sequence[Wanted]) -> None:
    """Place the orders of a batch, or carry that out and undo it, and note in the report what became of each."""
    requests = [one.order for one in batch]
    answers = rehearse(place, cause, requests) if report.tried else place(cause, requests=requests)
    for one, answer in zip(batch, answers, strict=True):
        _note(report, one, answer)


def _note(report: Report, one: Wanted, answer: Placed | Refused) -> None:
    order = one.order
    reasons: tuple[str, ...] = ()
    if isinstance(answer, Placed):
        status, number, holds, reasons = answer.status, answer.number, answer.holds, answer.reasons
    elif isinstance(answer, errors.Duplicate):
        status, number, holds = "duplicate", answer.facts["number"], ()
    else:
        named = str(answer.facts.get("field"))
        column = report.mapping.get(_CALLED.get(named, named), report.mapping["order"])
        expected, found = (
            fact if isinstance(fact, str) else str(fact)
            for fact in (
                answer.facts.get("expected", answer.message),
                answer.facts.get("found", order.external_id),
            )
        )
        report.wrong.append(Wrong(one.row, column, expected, found, order.external_id))
        return
    units = sum(line.quantity for line in order.lines)
    report.outcomes.append(
        Outcome(
            order.external_id, one.row, len(order.lines), units, _total(order), order.currency, status, number,
            tuple(holds), reasons,
        )
    )  # fmt: skip


_CALLED = {
    "payment provider": "provider", "payment amount": "paid", "occurred_at": "ordered_at",
    "discount_minor": "line_discount", "promotions": "promotion", "promotion amount": "line_discount",
}  # fmt: skip
"""Fields of a file by what refusals call them."""


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
        head.get("priority"), _until(head), head.get("service", ""), payment,
        demand=head.get("demand", "sale"), campaign=head.get("campaign", ""),
        gift_message=head.get("gift_message", ""), billing=_billing(head), tax_number=head.get("tax_number", ""),
        signals=tuple(_BETWEEN.split(head["signals"])) if "signals" in head else (),
        ship_not_before=head.get("ship_not_before"), ship_by=head.get("ship_by"), cancel_after=head.get("cancel_after"),
        min_fill_percent=head.get("min_fill_percent"),
    )  # fmt: skip


_BETWEEN = re.compile(r"[,;\s]+")
"""What stands between the words of a cell."""


def _billing(head: Mapping[str, Any]) -> BillingGiven | None:
    if "bill_name" not in head:
        return None
    return BillingGiven(
        head["bill_name"], head["bill_line1"], head["bill_city"], head["bill_country"],
        head.get("bill_postal_code", ""), head.get("bill_line2", ""), head.get("bill_region", ""),
        head.get("bill_email", ""),
    )  # fmt: skip


def _until(head: Mapping[str, Any]) -> datetime | None:
    """What was promised: a day without a time ends where the order goes."""
    at: date | None = head.get("promise_at")
    if at is None or isinstance(at, datetime):
        return at
    return end_of_day(at, head.get("country", ""), head.get("postal_code", ""))


def _line(values: Mapping[str, Any]) -> OrderLine:
    discount = values.get("line_discount", 0)
    promotions = (PromotionGiven(values["promotion"], discount),) if "promotion" in values else ()
    return OrderLine(
        values.get("sku", ""), values["quantity"], values["unit_price"], values.get("kind", GOODS),
        values.get("description", ""),
        discount_minor=discount, promotions=promotions, final_sale=values.get("final_sale", False),
    )  # fmt: skip
