"""What a batch of orders refers to, loaded by statements whose number does not grow with it: of what only some rules
see, nothing where no policy in use asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.orders import kits, validation
from entrepot.orders.facts.marks import Marks, marks_of
from entrepot.orders.facts.supply import Goods, Supplies
from entrepot.orders.listing import NEITHER, Sides, of_customer, plain, sides
from entrepot.orders.listing_queries import on_sides
from entrepot.orders.promoting import PromotionPolicy, Promotions
from entrepot.orders.rules import GOODS
from entrepot.orders.taxing import By
from entrepot.orders.validation import Earlier, GoodsFact, OrderFacts, Validation
from entrepot.orders.window import Windows
from entrepot.parties.commands.register import CustomerRegistered, RegisterCustomer, register_customers
from entrepot.parties.numbers import Checked, is_of_another_member
from entrepot.payments.commands.credit_accounts import Account
from entrepot.payments.commands.store_credit import Owner, spendable
from entrepot.tax.rules import Exemption, Rate

if TYPE_CHECKING:
    from entrepot.orders.commands.place import PlaceOrder


Name = tuple[int, str, str]
"""An order by company, channel and the channel's own name for it."""


class Channel(NamedTuple):
    id: UUID
    kind: str
    priority: int


class Sku(NamedTuple):
    """A SKU; the rest of it is loaded where a policy asks."""

    id: UUID
    status: str
    minimum_age: int
    about: GoodsFact | None = None
    listed: Sequence[tuple[datetime, Decimal | None]] = ()  # list prices since moments
    category: str = ""


class Known:
    """What a batch refers to, by (company, code), and what is known of its customers and goods."""

    __slots__ = (
        "_credit_left", "_marks", "channels", "credits", "customers", "first", "kits", "listed", "lists_fingerprints",
        "policies", "promotions", "recent", "sightings", "skus", "supplies", "taxes", "tiers", "unreserved", "unserved",
        "windows",
    )  # fmt: skip

    def __init__(self) -> None:
        self.channels: dict[tuple[int, str], Channel] = {}
        self.skus: dict[tuple[int, str], Sku] = {}
        self.kits: dict[tuple[int, str], list[kits.Part]] = {}  # what they are made of
        self.customers: dict[tuple[int, str], UUID] = {}
        self.tiers: dict[UUID, str] = {}
        self.policies: dict[tuple[int, str], tuple[int, Validation]] = {}
        self.recent: dict[UUID, dict[Name, Earlier]] = {}
        self.sightings: dict[tuple[int, str], dict[Name, datetime]] = {}  # by fingerprint
        self.supplies = Supplies()
        self.first: set[UUID] = set()  # customers without an order before
        self.taxes = Taxes({}, {}, {})
        self.listed: dict[tuple[int, str], str] = {}  # sides of what people have blocked or trusted
        self.lists_fingerprints: set[int] = set()  # companies where some of that are fingerprints
        self.unreserved: set[tuple[int, str]] = set()  # carts and checkouts for which nothing is reserved
        self.unserved: set[tuple[int, str]] = set()  # services that are wished for and that nobody has
        self.windows: dict[tuple[int, str], Windows] = {}
        self.promotions: dict[
            int, Mapping[str, PromotionPolicy]
        ] = {}  # what they are given for, by company and code
        self._marks: dict[int, Marks] = {}
        self.credits: dict[Owner, Account] = {}  # locked, where orders ask to be paid with them
        self._credit_left: dict[Owner, int] = {}

    def ids(self) -> list[UUID]:
        """Its SKUs."""
        return [sku.id for sku in self.skus.values()]

    def buyers(self, requests: Iterable[PlaceOrder]) -> set[UUID]:
        """The customers of orders."""
        return {self.customers[one.company, one.customer] for one in requests if one.customer is not None}

    def marks(self, request: PlaceOrder) -> Marks:
        """What one of its orders names of people and places, worked out once."""
        found = self._marks.get(id(request))
        if found is None:
            found = self._marks[id(request)] = marks_of(request)
        return found

    def sides(self, request: PlaceOrder, marks: Sequence[str]) -> Sides:
        """What of an order, and of the fingerprints that it has, people have blocked or trusted."""
        if not self.listed:
            return NEITHER
        own = () if request.customer is None else (of_customer(request.customer),)
        company = request.company
        known = {
            plain(one): side for one in (*own, *marks) if (side := self.listed.get((company, plain(one))))
        }
        return sides((*own, *marks), known)

    def account_of(self, request: PlaceOrder) -> Account:
        """The store credit of who placed an order."""
        assert request.customer is not None, "only a customer has store credit"
        return self.credits[
            request.company, self.customers[request.company, request.customer], request.currency
        ]

    def pay_with_credit(self, request: PlaceOrder, total: int, at: datetime) -> int:
        """What of an order its customer's store credit pays: as much as it asks for, as far as it is there."""
        if not request.store_credit_minor or request.customer is None:
            return 0
        owner = (request.company, self.customers[request.company, request.customer], request.currency)
        if owner not in self.credits:
            return 0
        left = self._credit_left.setdefault(owner, self.credits[owner].free(at))
        paid = max(0, min(request.store_credit_minor, left, total))
        self._credit_left[owner] -= paid
        return paid

    def policy(self, company: int, channel: str) -> tuple[int, Validation]:
        """The version in force for a channel, or that for all channels, or the default of the channel's kind."""
        found = self.policies.get((company, channel))
        if found is None:
            kind = self.channels[company, channel].kind
            found = self.policies[company, channel] = self.policies.get((company, "")) or default(kind)
        return found

    def windows_of(self, company: int, channel: str) -> Windows:
        """What is asked of orders of a channel that have to leave by a day."""
        return self.windows.get((company, channel)) or self.windows.get((company, "")) or _ANY_TIME

    def note(self, name: Name, customer: UUID | None, facts: OrderFacts) -> None:
        """Have later orders of the batch see this one."""
        if customer is not None and customer in self.recent:
            self.recent[customer][name] = Earlier(facts.total_minor, facts.at, facts.basket)
        if customer is not None:
            self.first.discard(customer)
        for one in facts.fingerprints:
            if (name[0], one) in self.sightings:
                self.sightings[name[0], one][name] = facts.at


_DEFAULT = Validation()
_ANY_TIME = Windows()


def default(kind: str) -> tuple[int, Validation]:
    """What holds for channels of a kind without a version of their own."""
    return 0, validation.IMPORTED if kind == "import" else _DEFAULT


def load(cause: Cause, requests: Sequence[PlaceOrder]) -> Known:
    """All that a batch refers to; customers who are new are registered. 1 statement, 1 for new customers, and one each
    where a policy asks: for recent orders, for first ones, for fingerprints, for goods, for list prices, for stock, for
    tax; 1 where people have listed fingerprints, and 1 to wait for whoever places an order that is counted with these.
    """
    companies = list({one.company for one in requests})
    channels = list({(one.company, one.channel) for one in requests})
    skus = list({(one.company, line.sku) for one in requests for line in one.lines if line.kind == GOODS})
    customers = list({(one.company, one.customer) for one in requests if one.customer is not None})
    params: dict[str, Any] = {"at": cause.at, "companies": companies}
    params |= {"channels": _named(channels), "skus": _named(skus), "customers": _named(customers)}
    params["services"] = _named(list({(one.company, one.service) for one in requests if one.service}))
    params["holders"] = _named(list({(one.company, one.reservation) for one in requests if one.reservation}))
    params["listed"] = _named([(company, plain(of_customer(code))) for company, code in customers])
    known = Known()
    for what, company, code, found, word, number, body in sql.run(_FACTS, params):
        name = (company, code)
        if what == 1:
            known.skus[name] = Sku(found, word, number, category=body)
        elif what == 2:
            known.customers[name] = found
            if word:
                known.tiers[found] = word
        elif what == 3:
            known.channels[name] = Channel(found, word, number)
        elif what == 6:
            known.listed[name] = word
        elif what == 7:
            known.lists_fingerprints.add(company)
        elif what == 8:
            known.unserved.add(name)
        elif what == 9:
            known.unreserved.add(name)
        elif what == 5:
            *of_it, category = wire.load(body, tuple[Decimal | None, str, int, str])
            part = kits.Part(found, word, number, *of_it)
            known.kits.setdefault(name, []).append(part)
            sku = Sku(part.sku, part.status, part.minimum_age, category=category)
            known.skus.setdefault((company, part.code), sku)
        elif word == "orders.windows":
            known.windows[name] = wire.load(body, Windows)
        elif word == "orders.promotions":
            if not code:
                known.promotions[company] = wire.load(body, Promotions).by_code
        else:
            known.policies[name] = (number, _policy(body))
    if len(known.customers) < len(customers):
        _register_customers(cause, [name for name in customers if name not in known.customers], known)
    _load_more(cause, requests, known)
    _load_credits(cause, requests, known)
    return known


def _load_credits(cause: Cause, requests: Sequence[PlaceOrder], known: Known) -> None:
    """Lock the store credit that orders ask to be paid with. 3 statements, none where none asks."""
    owners = {
        (one.company, known.customers[one.company, one.customer], one.currency)
        for one in requests
        if one.store_credit_minor and one.customer is not None
    }
    if owners:
        known.credits = spendable(cause, owners)


def unserved(names: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Which of these services, by company and code, no carrier has, where the company has any. One statement."""
    return set(sql.run(_UNSERVED, {"services": _named(list(names))}))  # type: ignore[arg-type]


def _named(names: Sequence[tuple[int, str]]) -> str:
    return wire.dump([{"company": company, "code": code} for company, code in names])


def _register_customers(cause: Cause, names: Sequence[tuple[int, str]], known: Known) -> None:
    requests = [RegisterCustomer(company, code, since=cause.at) for company, code in names]
    for name, customer in zip(
        names, register_customers(cause, requests=requests, first_order=True), strict=True
    ):
        assert isinstance(customer, CustomerRegistered), customer
        known.customers[name] = customer.id


_policies: dict[str, Validation] = {}


def _policy(body: str) -> Validation:
    found = _policies.get(body)
    if found is None:
        found = _policies[body] = wire.load(body, Validation)
    return found


# ---- what only some policies ask for


def asks_recent(policy: Validation) -> bool:
    by_customer = policy.fraud != "off" and policy.review_orders_per_hour is not None
    return policy.duplicates != "off" or by_customer


def _asks_sightings(policy: Validation) -> bool:
    return policy.velocity != "off"


def asks_fingerprints(policy: Validation) -> bool:
    return bool(policy.velocity != "off" or policy.trusted_fingerprints or policy.blocked_fingerprints)


def _asks_first(policy: Validation) -> bool:
    return policy.newcomer != "off"


def _asks_goods(policy: Validation) -> bool:
    modes = (policy.hazard, policy.price, policy.export, policy.recompute, policy.changed)
    return any(mode != "off" for mode in modes)


Asking = list[tuple["PlaceOrder", Validation]]

SAME_TIME = timedelta(minutes=1)
"""Orders so close to each other come in any order: they wait for one another, and count one another."""

LOCKS_MAX = 4_096
"""Locks that a batch takes of the server's at most: a thousand orders with a customer, a card, an address and a mail
address each. The embedded one (256 for each of 122 backends, which all locks of all transactions share) had room for
55,000 when that was tried: for ten such batches at once, with the keys of their requests. Of what is counted in a
larger batch, all batches wait for one another."""


def _wait(asking: Callable[[Callable[[Validation], bool]], Asking], known: Known) -> None:
    """Wait for those who are placing orders of the same customers, cards and addresses, which they count as well: of
    two at once, one would see nothing of the other. Each has a lock of its own, of 64 bits, up to `LOCKS_MAX` in a
    batch: one that counts more waits for all who count, and has them wait. 1 statement, where a policy counts."""
    whose = asking(lambda policy: asks_recent(policy) or _asks_first(policy))
    keys = set(map(str, known.buyers(one for one, _ in whose)))
    marked = asking(_asks_sightings)
    keys |= {f"{one.company} {each}" for one, _ in marked for each in known.marks(one).fingerprints}
    if len(keys) > LOCKS_MAX:
        sql.run(_WAIT_FOR_ALL)
    elif keys:
        sql.run(_WAIT, {"keys": list(keys)})


def _load_more(cause: Cause, requests: Sequence[PlaceOrder], known: Known) -> None:
    """What only some policies and some orders need."""
    in_use = {
        (one.company, one.channel): known.policy(one.company, one.channel)[1]
        for one in requests
        if (one.company, one.channel) in known.channels
    }

    def asking(asks: Callable[[Validation], bool]) -> Asking:
        """Orders of the channels whose policy asks."""
        which = {name: policy for name, policy in in_use.items() if asks(policy)}
        names = ((one, which.get((one.company, one.channel))) for one in requests) if which else ()
        return [(one, policy) for one, policy in names if policy is not None]

    _wait(asking, known)
    if found := asking(asks_recent):
        _load_recent(found, known, cause.at)
    if found := asking(_asks_first):
        _load_first([one for one, _ in found], known)
    if known.lists_fingerprints:
        _load_sides(requests, known)
    if found := asking(_asks_sightings):
        _load_sightings(found, known, cause.at)
    if found := asking(lambda policy: policy.inventory != "off"):
        _load_supplies([one for one, _ in found], known, cause.at)
    if any(map(_asks_goods, in_use.values())):
        about = {sku: GoodsFact(*rest) for sku, *rest in sql.run(_ABOUT, {"skus": known.ids()})}
        known.skus = {name: sku._replace(about=about[sku.id]) for name, sku in known.skus.items()}
    if any(policy.changed != "off" for policy in in_use.values()):
        _load_listed(known)
    if found := asking(lambda policy: policy.recompute != "off"):
        _load_tax([one for one, _ in found], known)


def _load_supplies(requests: Sequence[PlaceOrder], known: Known, at: datetime) -> None:
    """What the channels can have of the orders' goods; of kits, of their components."""
    wanted: set[Goods] = set()
    for one in requests:
        for line in one.lines:
            if line.kind == GOODS:
                made_of = known.kits.get((one.company, line.sku))
                codes = [part.code for part in made_of] if made_of else [line.sku]
                wanted.update((one.company, one.channel, code) for code in codes)
    known.supplies.load(wanted, at, {one.reservation for one in requests if one.reservation})


def _load_listed(known: Known) -> None:
    """List prices by the moment since when they hold."""
    listed: dict[UUID, list[tuple[datetime, Decimal | None]]] = {}
    for sku, since, price in sql.run(_LISTED, {"skus": known.ids()}):
        listed.setdefault(sku, []).append((since, price))
    known.skus = {name: sku._replace(listed=listed.get(sku.id, ())) for name, sku in known.skus.items()}


def _load_first(requests: Sequence[PlaceOrder], known: Known) -> None:
    """Which customers have no order yet but those that were cancelled."""
    buyers = list(known.buyers(requests))
    known.first = {customer for (customer,) in sql.run(_FIRST, {"customers": buyers})}


def _load_recent(asking: Sequence[tuple[PlaceOrder, Validation]], known: Known, at: datetime) -> None:
    """Orders of the same customers just before."""
    customers = known.buyers(one for one, _ in asking)
    known.recent = {customer: {} for customer in customers}
    times = [one.occurred_at or at for one, _ in asking]
    params = {
        "customers": list(customers),
        "since": min(times) - max(recently(policy) for _, policy in asking),
        "until": max(times) + SAME_TIME,
        "with_lines": any(policy.duplicates != "off" for _, policy in asking),
    }
    for customer, company, channel, external, total, placed_at, skus, units in sql.run(_RECENT, params):
        basket = tuple(sorted(zip(skus, units, strict=True))) if skus else ()
        known.recent[customer][company, channel, external] = Earlier(total, placed_at, basket)


def recently(policy: Validation) -> timedelta:
    return max(validation.HOUR, timedelta(minutes=policy.duplicate_minutes))


def _load_sides(requests: Sequence[PlaceOrder], known: Known) -> None:
    """Which of the orders' fingerprints people have blocked or trusted."""
    asking = [one for one in requests if one.company in known.lists_fingerprints]
    known.listed |= on_sides(
        [(one.company, each) for one in asking for each in known.marks(one).fingerprints]
    )


def _load_sightings(asking: Sequence[tuple[PlaceOrder, Validation]], known: Known, at: datetime) -> None:
    """Orders by the same cards, addresses and mail addresses just before."""
    seen = {(one.company, each) for one, _ in asking for each in known.marks(one).fingerprints}
    known.sightings = {name: {} for name in seen}
    times = [one.occurred_at or at for one, _ in asking]
    params = sql.columns(("companies", "fingerprints"), seen) | {
        "since": min(times) - timedelta(minutes=max(policy.velocity_minutes for _, policy in asking)),
        "until": max(times) + SAME_TIME,
    }
    for print_, company, channel, external, placed_at in sql.run(_SIGHTINGS, params):
        known.sightings[company, print_][company, channel, external] = placed_at


class Taxes(NamedTuple):
    """What taxes go by: countries of the sellers, rates by company and country, exemptions by customer."""

    sellers: dict[int, str]
    rates: dict[tuple[int, str], list[Rate]]
    exemptions: dict[UUID, list[Exemption]]

    def by(
        self,
        company: int,
        country: str,
        region: str,
        day: date,
        customer: UUID | None,
        number: Checked | None,
        policy: Validation,
    ) -> By:
        """What the tax of an order goes by: a business of another country, as its number says, owes it itself."""
        seller = self.sellers.get(company, "")
        return By(
            self.rates.get((company, country), ()), country, region, day,
            self.exemptions.get(customer, ()) if customer else (),
            policy.reverse_charge and country != seller and is_of_another_member(number, seller),
            policy.tax_on_shipping,
        )  # fmt: skip


def taxes_of(companies: Collection[int], countries: Collection[str], customers: Collection[UUID]) -> Taxes:
    """Rates of countries, the sellers' own countries, and exemptions of customers. One statement."""
    params = {"companies": list(companies), "countries": list(countries), "customers": list(customers)}
    found = Taxes({}, {}, {})
    for company, customer, country, region, category, begins, ends, rate in sql.run(_TAX, params):
        if customer is not None:
            found.exemptions.setdefault(customer, []).append(Exemption(country, category, begins, ends))
        elif begins is None:
            found.sellers[company] = country
        else:
            found.rates.setdefault((company, country), []).append(
                Rate(country, region, category, begins, rate)
            )
    return found


def _load_tax(asking: Sequence[PlaceOrder], known: Known) -> None:
    """What the tax of the orders goes by."""
    companies, countries = {one.company for one in asking}, {one.country for one in asking}
    known.taxes = taxes_of(companies, countries, known.buyers(asking))


_UNSERVED = """
SELECT d.company::int, d.code
FROM json_to_recordset(%(services)s::json) AS d(company smallint, code text)
WHERE EXISTS (SELECT FROM carriage_service AS v WHERE v.company_id = d.company AND v.active)
  AND NOT EXISTS (
      SELECT FROM carriage_service AS v WHERE v.company_id = d.company AND v.code = d.code AND v.active)
"""

# All that a batch refers to in one round trip: SKUs, customers, channels, policies in force, what kits are made of, the
# customers whom people have listed, who lists fingerprints, services that nobody has, and carts without units.
_FACTS = f"""
SELECT 1, s.company_id::int, s.code, s.id, s.status, s.minimum_age::int, s.category
FROM json_to_recordset(%(skus)s::json) AS d(company smallint, code text)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
UNION ALL
SELECT 2, u.company_id::int, u.code, u.id, u.tier, NULL, NULL
FROM json_to_recordset(%(customers)s::json) AS d(company smallint, code text)
JOIN parties_customer AS u ON u.company_id = d.company AND u.code = d.code
UNION ALL
SELECT 3, c.company_id::int, c.code, c.id, c.kind, c.priority::int, NULL
FROM json_to_recordset(%(channels)s::json) AS d(company smallint, code text)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code AND c.active
UNION ALL
(SELECT DISTINCT ON (company_id, kind, scope) 4, company_id::int, scope, NULL, kind, version, body::text
 FROM kernel_policy
 WHERE company_id = ANY(%(companies)s::smallint[])
   AND kind IN ('orders.validation', 'orders.windows', 'orders.promotions')
   AND in_force_from <= %(at)s::timestamptz
 ORDER BY company_id, kind, scope, in_force_from DESC, version DESC)
UNION ALL
(SELECT 5, k.company_id::int, k.code, s.id, s.code, m.units,
        json_build_array(s.list_price::text, s.status, s.minimum_age, s.category)::text
 FROM json_to_recordset(%(skus)s::json) AS d(company smallint, code text)
 JOIN catalog_sku AS k ON k.company_id = d.company AND k.code = d.code
 JOIN catalog_component AS m ON m.kit_id = k.id
 JOIN catalog_sku AS s ON s.id = m.sku_id
 ORDER BY m.kit_id, m.number)
UNION ALL
SELECT 6, t.company_id::int, t.plain, NULL, t.side, NULL, NULL
FROM json_to_recordset(%(listed)s::json) AS d(company smallint, code text)
JOIN orders_listing AS t ON t.company_id = d.company AND t.plain = d.code AND t.ended_at IS NULL
UNION ALL
SELECT 7, c.company, '', NULL, NULL, NULL, NULL
FROM unnest(%(companies)s::smallint[]) AS c(company)
WHERE EXISTS (SELECT FROM orders_listing AS t WHERE t.company_id = c.company AND t.ended_at IS NULL
                AND t.plain NOT LIKE 'customer:%%')
UNION ALL
SELECT 8, u.company, u.code, NULL, NULL, NULL, NULL FROM ({_UNSERVED}) AS u
UNION ALL
SELECT 9, d.company::int, d.code, NULL, NULL, NULL, NULL
FROM json_to_recordset(%(holders)s::json) AS d(company smallint, code text)
WHERE NOT EXISTS (SELECT FROM stock_reservation AS r WHERE r.holder = d.code AND r.company_id = d.company
                  AND r.expires_at > %(at)s::timestamptz)
"""

# One by one in the order of their numbers, as everybody takes them; before them, shared, that of those who count more.
_WAIT = """
SELECT count(CASE WHEN is_mine THEN pg_advisory_xact_lock(number) ELSE pg_advisory_xact_lock_shared(number) END) FROM (
    SELECT hashtextextended('orders.counted', 0) AS number, false AS is_mine
    UNION ALL SELECT hashtextextended('orders.counted ' || key, 0), true FROM unnest(%(keys)s::text[]) AS d(key)
    ORDER BY is_mine, number
) AS these
"""

_WAIT_FOR_ALL = "SELECT pg_advisory_xact_lock(hashtextextended('orders.counted', 0))"

_FIRST = """
SELECT customer FROM unnest(%(customers)s::uuid[]) AS d(customer)
WHERE NOT EXISTS (SELECT FROM orders_order AS o WHERE o.customer_id = d.customer AND o.commercial <> 'cancelled')
"""

_RECENT = """
SELECT o.customer_id, o.company_id::int, c.code, o.external_id, o.total_minor, o.placed_at, g.skus, g.units
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (
    SELECT array_agg(sku_code) AS skus, array_agg(units) AS units
    FROM (SELECT l.sku_code, sum(l.quantity)::int AS units FROM orders_line AS l
          WHERE l.order_id = o.id AND l.kind = 'goods' AND %(with_lines)s::boolean GROUP BY 1) AS basket
) AS g
WHERE o.customer_id = ANY(%(customers)s::uuid[]) AND o.commercial <> 'cancelled'
  AND o.placed_at BETWEEN %(since)s::timestamptz AND %(until)s::timestamptz
"""

_SIGHTINGS = """
SELECT f.fingerprint, o.company_id::int, c.code, o.external_id, f.placed_at
FROM unnest(%(companies)s::smallint[], %(fingerprints)s::text[]) AS d(company, fingerprint)
JOIN orders_fingerprint AS f ON f.fingerprint = d.fingerprint AND f.company_id = d.company
 AND f.placed_at BETWEEN %(since)s::timestamptz AND %(until)s::timestamptz
JOIN orders_order AS o ON o.id = f.order_id AND o.commercial <> 'cancelled'
JOIN network_channel AS c ON c.id = o.channel_id
"""

_ABOUT = """
SELECT s.id, s.category, s.hazardous, s.list_price, s.hs_code, c.currency
FROM catalog_sku AS s JOIN parties_company AS c ON c.id = s.company_id WHERE s.id = ANY(%(skus)s::uuid[])
"""

_LISTED = """
SELECT sku_id, since, list_price FROM catalog_listprice WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, since
"""

# Rows are of three kinds: a seller's country, a rate, an exemption with its certificate.
_TAX = """
SELECT id::int, NULL::uuid, country, '', '', NULL::date, NULL::date, NULL::numeric
FROM parties_company WHERE id = ANY(%(companies)s::smallint[])
UNION ALL
SELECT j.company_id::int, NULL, j.country, j.region, r.category, r.valid_from, NULL, r.rate
FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
WHERE j.company_id = ANY(%(companies)s::smallint[]) AND j.country = ANY(%(countries)s::text[])
UNION ALL
SELECT company_id::int, customer_id, country, '', certificate, valid_from, valid_until, NULL
FROM tax_exemption WHERE customer_id = ANY(%(customers)s::uuid[])
"""
