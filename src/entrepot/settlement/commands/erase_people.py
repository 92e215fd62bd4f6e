"""Erase a person because they ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.kernel import files, forget, ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.forget_buyers import ForgetBuyer, forget_buyers
from entrepot.parties.commands.erase import ErasePeople, PeopleErased, erase, lock_people
from entrepot.returns.commands.forget_marks import ForgetMarks, forget_marks
from entrepot.returns.commands.forget_photos import ForgetPhotos, forget_photos
from entrepot.settlement import errors, privacy, privacy_queries
from entrepot.settlement.privacy import BUSINESS_BUYERS, Retention
from entrepot.settlement.privacy_queries import Subject
from entrepot.shipping.commands.buy import forget_pictures
from entrepot.shipping.commands.deliver import forget_proofs


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """Somebody of whom a customer's code or an order is known, and why they are erased: the request's own name."""

    company: int
    reason: str
    customer: str = ""
    order: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PersonErased:
    """`addresses` are gone; `kept` stay until the retention ends, for invoices of a business. `messages`: bodies that
    named them; `notes`: rows that their names were taken out of. `remaining`: rows of logs into which somebody wrote
    what can't be changed."""

    erasure: UUID
    number: str
    orders: int
    addresses: int
    kept: int
    messages: int
    notes: int
    remaining: int


@command("settlement.erase_people")
def erase_people(cause: Cause, /, *, requests: Sequence[ErasePerson]) -> list[PersonErased | Refused]:
    """People erased: the keys of the vault destroyed, what messages said of them gone, their codes, postal codes,
    fingerprints and photos as well, and their names taken out of everybody's notes. Orders, both ledgers, documents,
    events and their chain stay, and name nobody.

    Locks: the persons, then the orders, in id order. Refuses: NotFound; Invalid (no reason, nobody named);
    settlement.several_customers (a guest's order by a mail address of several);
    settlement.not_to_be_erased_yet, with the orders, returns, refunds, disputes, claims and lots that are open, or the
    legal hold. Again: by key; who is erased is not found again by their code. 102 statements, and one for each table
    whose notes named them.
    """
    found = privacy_queries.whose([(one.company, one.customer, one.order) for one in requests])
    lock_people([person for one in found for person in one.people])
    # Again, under the lock: an order that was being placed meanwhile is theirs as well.
    found = privacy_queries.whose([(one.company, one.customer, one.order) for one in requests])
    refusals = [
        _misfit(one, subject) or why
        for one, subject, why in zip(requests, found, why_not(cause, found), strict=True)
    ]

    going = {place: subject for place, subject in enumerate(found) if refusals[place] is None}
    keep = _needed(cause, going)
    named = {place: _words(subject) for place, subject in going.items()}
    done = erase_subjects(cause, [(subject, keep[place]) for place, subject in going.items()])
    answers = _noted(cause, requests, going, dict(zip(going, done, strict=True)), named)
    return [refusals[place] or answers[place] for place in range(len(requests))]


def why_not(cause: Cause, found: Sequence[Subject]) -> list[Refused | None]:
    """For each, what is open or held of theirs. 3 statements."""
    rules = policies.of_companies({one.company for one in found}, Retention, cause.at)
    days = max((one.return_days for _, one in rules.values()), default=0)
    orders = {order for one in found for order in one.orders | one.sent}
    customers = {each for one in found for each in one.customers}
    open_of = privacy_queries.open_things(orders, customers, cause.at - timedelta(days=days))
    held = privacy_queries.legal_holds(orders, customers)
    answers: list[Refused | None] = []
    for one in found:
        theirs = (*one.orders, *one.sent, *one.customers)
        things = [each for by in (open_of, held) for which in theirs for each in by.get(which, [])]
        answers.append(errors.NotToBeErasedYet(found=privacy.reasons(things)) if things else None)
    return answers


def erase_subjects(cause: Cause, gone: Sequence[tuple[Subject, set[UUID]]]) -> list[PeopleErased]:
    """What parties and orders know of people, without the addresses that are kept. 22 statements."""
    if not gone:
        return []
    forget_buyers(cause, requests=[
        ForgetBuyer(one.company, tuple(sorted(one.orders)), tuple(one.customers.values())) for one, _ in gone
    ])  # fmt: skip
    forget_marks(cause, requests=[ForgetMarks(one.company, tuple(sorted(one.orders))) for one, _ in gone])
    forget_photos(cause, requests=[ForgetPhotos(one.company, tuple(sorted(one.orders))) for one, _ in gone])
    theirs = {order for one, _ in gone for order in one.orders | one.sent}
    forget_pictures(theirs)
    forget_proofs(theirs)
    forget.forget_derived(theirs)
    # Lists that the worker wrote into files may name them: whoever wants one asks for it again.
    files.drop_files(
        cause, requests=[files.DropFiles(one) for one in sorted({one.company for one, _ in gone})]
    )
    wanted = [
        ErasePeople(
            tuple(sorted(one.people)), tuple(one.customers), tuple(sorted(keep)), tuple(sorted(one.orders))
        )
        for one, keep in gone
    ]
    return [one for one in erase(cause, requests=wanted) if isinstance(one, PeopleErased)]


def _misfit(one: ErasePerson, subject: Subject) -> Refused | None:
    if not one.reason.strip():
        return Invalid(field="reason", expected="who asked for it, and when", found="nothing")
    if bool(one.customer) == bool(one.order):
        return Invalid(
            field="customer", expected="the code of a customer, or an order", found="both or neither"
        )
    if not subject:
        return NotFound(what="customer" if one.customer else "order", which=one.customer or str(one.order))
    if subject.several:
        return errors.SeveralCustomers(found=", ".join(subject.several))
    return None


def _needed(cause: Cause, going: dict[int, Subject]) -> dict[int, set[UUID]]:
    """Of each, the addresses that invoices of a business need for some time yet. 2 statements."""
    rules = policies.of_companies({one.company for one in going.values()}, Retention, cause.at)
    before = {company: rule.before(BUSINESS_BUYERS, cause.at) for company, (_, rule) in rules.items()}
    found = privacy_queries.needed(
        [(each, before[one.company]) for one in going.values() for each in one.addresses]
    )
    return {place: found & set(one.addresses) for place, one in going.items()}


def _words(subject: Subject) -> list[str]:
    addresses = subject.addresses.values()
    return privacy.words(
        ((one.name, one.line1, one.email, one.phone) for one in addresses), subject.customers.values()
    )


def _noted(
    cause: Cause,
    requests: Sequence[ErasePerson],
    going: dict[int, Subject],
    done: dict[int, PeopleErased],
    named: dict[int, list[str]],
) -> dict[int, PersonErased]:
    """What else named them emptied, and the proof that they are erased. 5 statements."""
    orders = [(place, order) for place, one in going.items() for order in one.orders | one.sent]
    words = [(place, one.company, word) for place, one in going.items() for word in named[place]]
    asked = sql.columns(("places", "orders"), orders)
    messages = forget.messages_about(words, sql.run(_SOURCES, asked))  # type: ignore[arg-type]
    notes = forget.notes_about([one for one in words if not one[2].startswith('"')])
    patterns = [(place, f"%{forget.plain(word)}%") for place, _, word in words]
    left = dict(sql.run(_LEFT, asked | sql.columns(("word_places", "patterns"), patterns)))

    answers, rows, events = {}, [], []
    for (place, one), number in zip(
        going.items(), ids.numbers("ER", len(going)) if going else [], strict=True
    ):
        key, why, erased = ids.uuid7(), requests[place].reason.strip(), done[place]
        answer = answers[place] = PersonErased(
            key,
            number,
            len(one.orders),
            erased.addresses,
            erased.kept,
            messages.get(place, 0),
            notes.masked[place],
            left.get(place, 0) + notes.remaining[place],
        )
        rows.append((
            key, number, one.company, requests[place].order or next(iter(one.customers), key),
            "{" + ",".join(map(str, sorted(one.people))) + "}",
            answer.orders, answer.addresses, answer.kept, answer.messages, answer.notes, answer.remaining, why,
            cause.actor.name, cause.at,
        ))  # fmt: skip
        told = {
            "number": number,
            "orders": answer.orders,
            "addresses": answer.addresses,
            "kept": answer.kept,
        }
        events.append(Event("erasure", key, one.company, "", "erased", cause.at, told, why))
    sql.write("settlement_erasure", _ERASURE, rows)
    announce(cause, events)
    return answers


_ERASURE = (
    "id", "number", "company_id", "asked_of", "people", "orders", "addresses", "kept", "messages", "notes", "remaining",
    "reason", "erased_by", "erased_at",
)  # fmt: skip

_SOURCES = """
SELECT d.place, o.company_id::int, c.code, o.external_id
FROM unnest(%(places)s::int[], %(orders)s::uuid[]) AS d(place, order_id)
JOIN orders_order AS o ON o.id = d.order_id JOIN network_channel AS c ON c.id = o.channel_id
"""

# A search among the events about their orders and what came of them, for what people typed where no names belong.
_LEFT = """
WITH d AS (SELECT * FROM unnest(%(places)s::int[], %(orders)s::uuid[]) AS d(place, order_id)),
about AS (
    SELECT place, order_id AS id FROM d
    UNION SELECT d.place, r.id FROM d JOIN returns_return AS r USING (order_id)
    UNION SELECT d.place, r.id FROM d JOIN returns_refund AS r USING (order_id)
    UNION SELECT d.place, s.id FROM d JOIN shipping_shipment AS s USING (order_id)
    UNION SELECT d.place, p.id FROM d JOIN payments_payment AS p USING (order_id)
)
SELECT a.place, count(*)::int FROM about AS a JOIN kernel_event AS e ON e.subject_id = a.id
WHERE EXISTS (SELECT FROM unnest(%(word_places)s::int[], %(patterns)s::text[]) AS w(place, pattern)
              WHERE w.place = a.place AND concat_ws(' ', e.reason, e.payload) ILIKE w.pattern)
GROUP BY a.place
"""
