"""`entrepot import olist DIR`: reads the files, sets the house up for them, and gives their weeks to commands."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from entrepot import Problem
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.channels import queries
from entrepot.channels.commands.import_sales import ImportSale, import_sales
from entrepot.channels.commands.receive_supply import ReceiveSupply, Supply, receive_supply
from entrepot.channels.commands.set_aside import SetRowAside, set_aside
from entrepot.channels.history import (
    Imported,
    Place,
    by_week,
    chunks,
    company_number,
    set_up_carriage,
    set_up_network,
    stopping,
    unpacked,
)
from entrepot.channels.olist import contract, parse
from entrepot.channels.olist.parse import Book, Order
from entrepot.kernel import policies, seal, wire
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.orders.commands.place import AddressGiven, OrderLine, PaymentGiven, PlaceOrder
from entrepot.orders.validation import Validation
from entrepot.parties.commands import register as people
from entrepot.parties.rules import RegisterCompany, RegisterSupplier
from entrepot.progress import Progress
from entrepot.purchasing import queries as purchasing

ORDERS_MAX = 400
"""Of a batch: one transaction. Large enough that a batch costs little, small enough to be lost to a crash."""

ACTOR = Actor("import:olist", everything=True)

CHECKS = Validation(
    fraud="off", tax="warn", address="off", authorization_days_max=365,
    payment_differs_max_minor=contract.PAYMENT_DIFFERS_MAX,
)  # fmt: skip
"""How the channel's orders are checked: payments have to match. The files tell nothing of fraud and half an address."""


def run(folder: Path, *, at: datetime | None = None) -> Imported:
    """Bring in a folder; what it brought before is left alone. Works in transactions of a week's supply and of a batch
    of orders each, so that a run that is stopped goes on where it was."""
    cause = Cause(ACTOR, at or datetime.now(UTC), f"import of {folder.name}")
    book = read(folder)
    house = _House(cause)
    house.open()
    with stopping():
        _set_aside(cause, house.company, book)
        _import(cause, house, book)
    seal.seal(cause)
    return Imported(house.company, contract.SOURCE)


def read(folder: Path) -> Book:
    """All files of a folder, gzipped or not."""
    return parse.parse({name: _rows(_file(folder, name), name) for name in contract.FILES})


def _file(folder: Path, name: str) -> Path:
    for middle in ("", "_dataset", "_full"):
        for end in (".csv.gz", ".csv"):
            path = folder / f"olist_{name}{middle}{end}"
            if path.is_file():
                return path
    raise Problem(f"There is no file olist_{name}.csv in {folder}, nor one packed with gzip.")


def _rows(file: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with unpacked(file, is_gzip=file.suffix == ".gz") as lines:
            yield from parse.rows(name, lines)
    except parse.UnknownHeader as error:
        raise Problem(f"{file} is no file of Olist's {name}: {error}.") from error


# ---- the house that the history happened in


class _House:
    """The company with its channel, nodes and bins; SKUs and sellers as they come."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.company = 0
        self.places: dict[str, Place] = {}
        self.skus: dict[str, UUID] = {}
        self.sellers: dict[str, UUID] = {}

    def open(self) -> None:
        """Set up what is missing. Each step leaves alone what stands."""
        cause = self.cause
        self.company = company_number(contract.SOURCE)
        company = RegisterCompany(self.company, contract.SOURCE, "Olist", contract.CURRENCY, contract.COUNTRY)
        whole(people.register_companies(cause, requests=[company]))
        whole(open_books(cause, requests=[OpenBooks(self.company)]))
        if contract.SOURCE not in policies.in_force(self.company, Validation, cause.at):
            since = datetime(1970, 1, 1, tzinfo=UTC)
            checks = policies.SetPolicy(
                self.company, "orders.validation", CHECKS, since, scope=contract.SOURCE, note="payments match"
            )
            whole(policies.set_policy(cause, requests=[checks]))
        nodes = [
            network.RegisterNode(
                self.company, code, city, contract.COUNTRY, postal_code=postal_code, latitude=latitude,
                longitude=longitude, priority=priority, time_zone="America/Sao_Paulo",
            )
            for priority, (code, city, postal_code, latitude, longitude) in enumerate(contract.NODES, 1)
        ]  # fmt: skip
        channel = network.RegisterChannel(self.company, contract.SOURCE, "Olist", contract.CURRENCY, "import")
        places = set_up_network(cause, nodes, channel)
        self.places = {node.code: place for node, place in zip(nodes, places, strict=True)}
        set_up_carriage(cause, self.company, contract.CURRENCY)

    def register(self, offers: Mapping[str, RegisterSku], sellers: Iterable[str]) -> None:
        """Put offers and sellers that are new into the catalog and the register."""
        skus = [sku for code, sku in offers.items() if code not in self.skus]
        if skus:
            self.skus |= {one.code: one.id for one in whole(register_skus(self.cause, requests=skus))}
        new = sorted(set(sellers) - self.sellers.keys())
        if new:
            suppliers = [
                RegisterSupplier(self.company, seller, f"Seller {seller[:8]}", contract.CURRENCY)
                for seller in new
            ]
            registered = whole(people.register_suppliers(self.cause, requests=suppliers))
            self.sellers |= {one.code: one.id for one in registered}


# ---- the run


@dataclass(frozen=True, slots=True)
class _Offers:
    """What the files tell of every offer: measures, usual price, and so cost; and where its seller keeps it."""

    of: Mapping[str, RegisterSku]
    home: Mapping[str, str]

    @classmethod
    def told_by(cls, company: int, book: Book) -> _Offers:
        prices: dict[str, list[Decimal]] = defaultdict(list)
        products: dict[str, str] = {}
        for item in (item for order in book.orders for item in order.items):
            prices[item.offer].append(item.price)
            products[item.offer] = item.product
        of = {}
        for offer, paid in prices.items():
            price, product = statistics.median(paid), book.products[products[offer]]
            of[offer] = RegisterSku(
                company, offer, f"{product.category.replace('_', ' ') or 'product'} {products[offer][:8]}",
                product.category, weight_g=product.weight_g, length_mm=product.length_mm,
                width_mm=product.width_mm, height_mm=product.height_mm, list_price=price,
                standard_cost=round(price * Decimal(contract.COST_SHARE), 6),
            )  # fmt: skip
        return cls(of, parse.homes(book.orders))


def _import(cause: Cause, house: _House, book: Book) -> None:
    offers = _Offers.told_by(house.company, book)
    known = queries.taken(house.company, contract.SOURCE, [order.id for order in book.orders])
    with Progress("Importing", total=len(book.orders), unit="orders") as bar:
        for start, orders in by_week(book.orders):
            fresh = [order for order in orders if order.id not in known]
            if fresh:
                items = [item for order in fresh for item in order.items]
                house.register(
                    {item.offer: offers.of[item.offer] for item in items}, (item.seller for item in items)
                )
                _supply(cause, house, offers, start, orders)
            for batch in chunks(orders, ORDERS_MAX):
                wanted = [_request(house, order) for order in batch if order.id not in known]
                if wanted:
                    whole(import_sales(cause, requests=wanted))
                bar.advance(len(batch))


def _supply(cause: Cause, house: _House, offers: _Offers, start: datetime, orders: Sequence[Order]) -> None:
    """Receive from each seller what the week sells of his, where he keeps them; what is cancelled never was there."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for order in orders:
        if order.status not in contract.CANCELLED:
            for item in order.items:
                wanted[item.seller][item.offer] += 1
    ref = f"{start:%Y-%m-%d} {{}} {orders[0].id[:8]}"
    refs = {seller: ref.format(seller) for seller in sorted(wanted)}
    supplied = purchasing.by_external_ref(house.company, list(refs.values()))
    supplies = []
    for seller, name in refs.items():
        place = house.places[offers.home[seller]]
        lines = tuple(
            (house.skus[offer], units, offers.of[offer].standard_cost or Decimal(0))
            for offer, units in sorted(wanted[seller].items())
        )
        if name not in supplied:
            supplies.append(Supply(house.sellers[seller], place.node, place.bin, name, lines))
    if supplies:
        whole(receive_supply(cause, requests=[ReceiveSupply(house.company, start, supplies=tuple(supplies))]))


def _request(house: _House, order: Order) -> ImportSale:
    units = Counter((item.offer, item.price) for item in order.items)
    paid = None
    if order.payments:
        paid = PaymentGiven("account", order.id, order.paid_minor, order.approved_at or order.at)
    return ImportSale(
        PlaceOrder(
            company=house.company, channel=contract.SOURCE, external_id=order.id,
            lines=tuple(OrderLine(offer, count, price) for (offer, price), count in units.items()),
            currency=contract.CURRENCY, occurred_at=order.at, customer=order.customer, country=contract.COUNTRY,
            postal_code=order.postal_code, address=AddressGiven("", "", order.city, region=order.state),
            shipping_minor=sum(item.freight_minor for item in order.items), promise_at=order.promised_at,
            payment=paid,
        ),
        wire.dump(order.raw),
        sent_at=order.carrier_at if order.status in contract.SENT else None,
        delivered_at=order.delivered_at if order.status == "delivered" else None,
        cancelled=contract.CANCELLED.get(order.status, ""),
    )  # fmt: skip


def _set_aside(cause: Cause, company: int, book: Book) -> None:
    requests = [
        SetRowAside(company, contract.SOURCE, one.id, one.line, one.why, wire.dump(one.raw))
        for one in book.set_aside
    ]
    for some in chunks(requests, ORDERS_MAX):
        whole(set_aside(cause, requests=some))
