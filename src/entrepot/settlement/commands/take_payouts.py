"""A provider reports what it paid out: it goes to the bank, and each line to the charge that it settles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments.providers import step_of
from entrepot.settlement import errors, rules
from entrepot.settlement.queries import KNOWN, RESERVES
from entrepot.settlement.rules import Known, Matched, PayoutLine, Providers
from entrepot.work.commands.open_items import OpenItem, open_items

SHOWN_MAX = 20
"""Lines of a payout that its work item names."""


@dataclass(frozen=True, slots=True)
class TakePayout:
    """A payout as its provider reports it; `external_id` is the provider's name for it, once for ever."""

    company: int
    provider: str
    external_id: str
    currency: str
    net_minor: int
    lines: tuple[PayoutLine, ...]
    arrived_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutTaken:
    """The payout; `open_lines` wait for a person to explain them, `fresh` is False where it was known."""

    payout: UUID
    number: str
    state: str
    open_lines: int
    fresh: bool


class _Taken(NamedTuple):
    """A payout that we have, from before or from this batch."""

    payout: UUID
    number: str
    state: str
    open_lines: int
    currency: str
    net: int

    def answer(self, *, fresh: bool) -> PayoutTaken:
        return PayoutTaken(self.payout, self.number, self.state, self.open_lines, fresh)


class _Draft(NamedTuple):
    id: UUID
    number: str
    request: TakePayout
    lines: list[Matched]
    at: datetime
    of_marketplace: bool

    @property
    def open_lines(self) -> list[Matched]:
        return [line for line in self.lines if line.state in ("differs", "unmatched")]

    @property
    def rounded(self) -> int:
        """What lines should have brought more than they did, but for the steps that their provider takes."""
        return sum(line.difference for line in self.lines if line.state == "explained")

    @property
    def state(self) -> str:
        return "open" if self.open_lines else "matched"


@command("settlement.take_payouts")
def take_payouts(cause: Cause, /, *, requests: Sequence[TakePayout]) -> list[PayoutTaken | Refused]:
    """Payouts in the books, their lines matched by reference; what does not match is a work item for the controller.
    What a marketplace keeps (policy `settlement.payouts`) is posted to its fees, what others keep to bank charges.

    One that arrived in a month that is closed is posted now.
    Locks: the accounts with the providers, in the order of their names; the balances.
    Refuses: DoesNotAddUp; NotALine; TakenOtherwise (the name stands for another net); what the ledger refuses, for all.
    Again: by key, and by the provider's name for it. 15 statements.
    """
    names = _names(requests)
    sql.run(_LOCK, names)
    known = {row[:3]: _Taken(*row[3:]) for row in sql.run(_TAKEN, names)}
    charges = _charges({line.reference for one in requests for line in one.lines})
    ids_known = [one.id for by_name in charges.values() for found in by_name.values() for one in found]
    paid_out = set(sql.run(_PAID_OUT, {"ids": ids_known}))
    reserves = {row[:3]: row[3] for row in sql.run(_RESERVES, names)}
    providers = policies.of_companies({one.company for one in requests}, Providers, cause.at)
    numbers = iter(ids.numbers("PY", len(requests)))

    answers: list[PayoutTaken | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        name = (request.company, request.provider, request.external_id)
        if name in known:
            answers.append(_again(known[name], request))
            continue
        refused = rules.misfit(request.external_id, request.lines, request.net_minor, request.currency)
        if refused:
            answers.append(refused)
            continue
        own = charges.get((request.company, request.provider, request.currency), {})
        account = (request.company, request.provider, request.currency)
        reserve = reserves.get(account, 0)
        step = step_of(request.provider, request.currency)
        lines = rules.match(request.lines, own, paid_out, request.currency, reserve, step)  # type: ignore[arg-type]
        reserves[account] = reserve + sum(line.reserved for line in lines)
        sells = request.provider in providers[request.company][1].marketplaces
        draft = _Draft(ids.uuid7(), next(numbers), request, lines, request.arrived_at or cause.at, sells)
        drafts.append(draft)
        known[name] = _Taken(
            draft.id, draft.number, draft.state, len(draft.open_lines), request.currency, request.net_minor
        )
        answers.append(known[name].answer(fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


def _names(requests: Sequence[TakePayout]) -> dict[str, list[object]]:
    names = [(one.company, one.provider, one.external_id) for one in requests]
    return sql.columns(("companies", "providers", "externals"), names)


def _again(taken: _Taken, request: TakePayout) -> PayoutTaken | Refused:
    """A report that repeats itself changes nothing; one that contradicts itself is a mistake, of whoever sends it."""
    if (taken.currency, taken.net) == (request.currency, request.net_minor):
        return taken.answer(fresh=False)
    return errors.TakenOtherwise(
        external_id=request.external_id, number=taken.number, expected=money.told(taken.net, taken.currency),
        found=money.told(request.net_minor, request.currency),
    )  # fmt: skip


def _charges(references: Iterable[str]) -> dict[tuple[int, str, str], dict[tuple[str, str], list[Known]]]:
    """Attempts and disputes by (company, provider, currency), then by kind of line and the provider's reference.
    1 statement."""
    found: dict[tuple[int, str, str], dict[tuple[str, str], list[Known]]] = {}
    for company, provider, currency, kind, reference, *one in sql.run(
        _CHARGES, {"references": list(references)}
    ):
        own = found.setdefault((company, provider, currency), {})
        own.setdefault((kind, reference), []).append(Known(*one))
    return found


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    sql.write("settlement_payout", _PAYOUT, [
        (
            one.id, one.number, one.request.company, one.request.provider, one.request.external_id,
            one.request.currency, rules.gross(one.request.lines), _fees(one), one.request.net_minor, one.state, one.at,
            one.of_marketplace,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("settlement_payoutline", _LINE, [
        (
            one.id, number, m.line.kind, m.line.reference, m.known, m.line.amount_minor, m.line.fee_minor, m.state,
            m.difference, m.why,
        )
        for one in drafts
        for number, m in enumerate(one.lines, 1)
    ])  # fmt: skip
    whole(post(cause, requests=[
        Posting(one.request.company, "payment.paid_out", "payout", one.id, one.request.currency,
                _amounts(one), one.at, or_now=True)
        for one in drafts
    ] + [
        Posting(one.request.company, "payment.explained", "payout", one.id, one.request.currency,
                ((rules.cost("difference", of_marketplace=one.of_marketplace), one.rounded),), one.at, or_now=True)
        for one in drafts
        if one.rounded
    ]))  # fmt: skip
    announce(cause, [
        Event("payout", one.id, one.request.company, "", one.state, one.at,
              {"number": one.number, "net_minor": one.request.net_minor, "open_lines": len(one.open_lines)})
        for one in drafts
    ])  # fmt: skip
    items = [_item(one) for one in drafts if one.open_lines]
    if items:
        open_items(cause, requests=items)


def _amounts(one: _Draft) -> list[tuple[str, int]]:
    """What came, what was kept, and what is held back: the fees of chargebacks stand in the books already."""
    fees = _fees(one) - sum(line.booked for line in one.lines)
    amounts = [
        ("settlement", one.request.net_minor), (rules.cost("fee", of_marketplace=one.of_marketplace), fees)
    ]  # fmt: skip
    reserved = sum(line.reserved for line in one.lines)
    return [*amounts, ("held_back", reserved)] if reserved else amounts


def _fees(one: _Draft) -> int:
    return sum(line.fee_minor for line in one.request.lines)


def _item(one: _Draft) -> OpenItem:
    wrong = one.open_lines
    return OpenItem(
        company=one.request.company, type="payout to explain", subject_kind="payout", subject=one.id,
        reason=Said(
            "Payout {0} of {1}: lines that do not match: {2}. {3}.",
            one.number, one.request.provider, len(wrong), wrong[0].why,
        ),
        role="controller", priority=60, occurred_at=one.at,
        facts={"lines": [f"{m.line.kind} {m.line.reference}: {m.why}" for m in wrong[:SHOWN_MAX]]},
    )  # fmt: skip


_PAYOUT = (
    "id", "number", "company_id", "provider", "external_id", "currency", "gross_minor", "fee_minor", "net_minor",
    "state", "arrived_at", "of_marketplace",
)  # fmt: skip
_LINE = (
    "payout_id", "number", "kind", "reference", "known_id", "amount_minor", "fee_minor", "state", "difference_minor",
    "reason",
)  # fmt: skip

LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('settlement ' || company || ' ' || provider, 0))
FROM (SELECT DISTINCT company, provider FROM ({accounts}) AS d(company, provider) ORDER BY company, provider) AS names
"""
"""The account of a company with a provider: one at a time says what its payouts settle."""

_LOCK = LOCK.format(accounts="SELECT * FROM unnest(%(companies)s::int[], %(providers)s::text[])")

_OWN = (
    "(p.company_id, p.provider) IN (SELECT * FROM unnest(%(companies)s::smallint[], %(providers)s::text[]))"
)
_RESERVES = f"""
SELECT company_id::int, provider, currency::text, reserve FROM ({RESERVES.format(whose=_OWN)}) AS r
"""

_TAKEN = """
SELECT p.company_id::int, p.provider, p.external_id, p.id, p.number, p.state,
       (SELECT count(*)::int FROM settlement_payoutline AS l
        WHERE l.payout_id = p.id AND l.state IN ('differs', 'unmatched')), p.currency::text, p.net_minor
FROM unnest(%(companies)s::smallint[], %(providers)s::text[], %(externals)s::text[]) AS d(company, provider, external)
JOIN settlement_payout AS p ON p.company_id = d.company AND p.provider = d.provider AND p.external_id = d.external
"""

_CHARGES = f"""
SELECT company, provider, currency, kind, reference, id, amount, asked, fee FROM ({KNOWN}) AS k
WHERE reference = ANY(%(references)s::text[]) AND reference <> ''
"""

_PAID_OUT = "SELECT known_id, kind FROM settlement_payoutline WHERE known_id = ANY(%(ids)s::uuid[])"
