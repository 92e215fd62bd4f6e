"""One of each thing that a quiet day leaves out, by commands: what has a page of its own and came no order's way."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.network import queries as network
from entrepot.parties import queries as parties


def furnish_more() -> None:
    """Add it to the first company of a house that has had its day."""
    company, now = parties.companies()[0].id, timezone.now()
    node = min(network.nodes(company=company), key=lambda one: one.priority)
    _returns(company, now)
    _manifest(company, now)
    _pallet(company, node.id, now)
    _departure(company, now)
    _notice(company, now)
    _replenishment(company, node.id, now)
    _trial(company, now)
    _file(company, now)
    _job(company, now)
    _wave(company, node, now)
    _entry(company, now)
    _advice(company, now)


def _cause(who: str, at: datetime) -> Cause:
    return Cause(Actor(who, everything=True), at, "one of each")


def _rows(statement: str, company: int, **facts: Any) -> list[tuple[Any, ...]]:
    return sql.run(statement, {"company": company, **facts})


def _returns(company: int, now: datetime) -> None:
    """Delivered orders that come back: one as store credit, one that a rule suspects, one with a photo."""
    from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
    from entrepot.returns.commands.dispose import Dispose, dispose
    from entrepot.returns.commands.inspect import Inspect, inspect
    from entrepot.returns.commands.receive import Receive, receive
    from entrepot.returns.commands.refund import Refund, refund
    from entrepot.returns.fraud import FraudPolicy

    found = _rows(_DELIVERED, company)
    credit, suspected = (
        Authorize(order, (Item(line, 1, "changed_mind"),), asked=asked)
        for (order, line), asked in zip(found, ("store_credit", "refund"), strict=True)
    )
    (one,) = (it for it in authorize(_cause("service", now), requests=[credit]) if isinstance(it, Authorized))
    (came,) = whole(receive(_cause("supervisor", now), requests=[Receive(one.return_id, one.lines[0], 1)]))
    (seen,) = whole(inspect(_cause("inspector", now), requests=[Inspect(came.receipt, 1, "A")]))
    _photo(seen.inspection, now)
    whole(dispose(_cause("inspector", now), requests=[Dispose(seen.inspection, 1)]))
    refund(_cause("controller", now), requests=[Refund(one.return_id)])
    suspects = policies.SetPolicy(
        company, "returns.fraud", FraudPolicy(velocity="enforce", velocity_max=0), now
    )
    policies.set_policy(_cause("admin", now), requests=[suspects])
    later = now + timedelta(seconds=1)
    whole(authorize(_cause("service", later), requests=[suspected]))


_DELIVERED = """
SELECT DISTINCT ON (o.id) o.id, l.id FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id
WHERE o.company_id = %(company)s::smallint AND o.customer_id IS NOT NULL AND l.delivered > 0
  AND NOT EXISTS (SELECT FROM returns_return AS r WHERE r.order_id = o.id)
ORDER BY o.id, l.number LIMIT 2
"""


def _photo(inspection: UUID, now: datetime) -> None:
    from PIL import Image

    from entrepot.returns.commands.add_photos import AddPhoto, add_photos

    picture = io.BytesIO()
    Image.new("RGB", (320, 240), "#a9c6c4").save(picture, "PNG")
    whole(add_photos(_cause("inspector", now), requests=[AddPhoto(inspection, picture.getvalue())]))


def _manifest(company: int, now: datetime) -> None:
    """Labels of the last shipments, of which those of one carrier are on a manifest."""
    from entrepot.shipping.commands.label import PrintLabels, print_labels
    from entrepot.shipping.commands.manifest import CloseManifest, close_manifests

    shipments = _rows(
        "SELECT id FROM shipping_shipment WHERE company_id = %(company)s::smallint AND fulfillment_id IS NOT NULL"
        " ORDER BY id DESC LIMIT 12",
        company,
    )
    print_labels(_cause("packer", now), requests=[PrintLabels(one) for (one,) in shipments])
    waiting = _rows(
        "SELECT node_id, carrier FROM shipping_label WHERE company_id = %(company)s::smallint AND state = 'printed'"
        " GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1",
        company,
    )
    close_manifests(
        _cause("supervisor", now), requests=[CloseManifest(company, node, name) for node, name in waiting]
    )


def _pallet(company: int, node: UUID, now: datetime) -> None:
    from entrepot.returns.commands.receive_pallets import ReceivePallet, receive_pallets

    pallet = ReceivePallet(company, node, "PAL-0001", "Harbour Freight", packages=6)
    whole(receive_pallets(_cause("supervisor", now), requests=[pallet]))


def _departure(company: int, now: datetime) -> None:
    """A lot for a buyer, with the buyer's paper."""
    from entrepot.returns import departure_queries
    from entrepot.returns.commands.add_papers import AddPaper, add_papers
    from entrepot.returns.commands.open_departures import OpenDeparture, open_departures
    from entrepot.returns.lots import Buyer

    waits = departure_queries.waiting(company, "liquidate")
    items = tuple((one.disposition, one.units) for one in waits if one.node == waits[0].node)[:3]
    buyer = Buyer(
        "NORTHERN", "Northern Clearance", "GB", "14 Dock Street", city="Leeds", postal_code="LS10 1JF",
        tax_number="GB980780684",
    )  # fmt: skip
    lot = OpenDeparture(company, "liquidation", items, expected_minor=9_500, buyer=buyer)
    (opened,) = whole(open_departures(_cause("inspector", now), requests=[lot]))
    paper = AddPaper(
        opened.departure, b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    whole(add_papers(_cause("inspector", now), requests=[paper]))


def _notice(company: int, now: datetime) -> None:
    """Of half of what is to come of a purchase order."""
    from entrepot.purchasing.commands.take_notices import TakeNotice, take_notices

    lines = _rows(
        "SELECT o.id, l.id FROM purchasing_order AS o"
        " JOIN purchasing_orderline AS l ON l.order_id = o.id"
        " WHERE o.company_id = %(company)s::smallint AND o.state = 'open' ORDER BY o.id DESC, l.number LIMIT 3",
        company,
    )
    notice = TakeNotice(
        company,
        "ASN-1",
        now.date() + timedelta(days=1),
        tuple((*line, 30) for line in lines),
        "Harbour Freight",
        "HF-42",
    )
    whole(take_notices(_cause("inventory", now), requests=[notice]))


def _replenishment(company: int, node: UUID, now: datetime) -> None:
    """Pick faces that are kept fuller than they are, of SKUs that reserve has."""
    from entrepot.kernel import ids
    from entrepot.stock.commands.receive import Receive, receive
    from entrepot.warehouse.commands.replenish import ReviewFaces, SetPickFace, review_faces, set_pick_faces

    faces = _rows(_FACES, company, node=node)
    stowed = [
        Receive(company, sku, node, reserve, 48, cost, "goods receipt", ids.uuid7())
        for sku, _, _, reserve, cost in faces
    ]
    whole(receive(_cause("supervisor", now), requests=stowed))
    wanted = [SetPickFace(company, sku, face, units + 5, units + 20) for sku, face, units, *_ in faces]
    whole(set_pick_faces(_cause("supervisor", now), requests=wanted))
    whole(review_faces(_cause("supervisor", now), requests=[ReviewFaces(node)]))


_FACES = """
SELECT k.sku_id, k.bin_id, k.quantity,
       (SELECT id FROM network_bin WHERE node_id = k.node_id AND kind = 'reserve' ORDER BY code LIMIT 1),
       (s.standard_cost * 4800)::bigint
FROM stock_bucket AS k JOIN network_bin AS b ON b.id = k.bin_id AND b.kind = 'pick'
JOIN catalog_sku AS s ON s.id = k.sku_id AND s.company_id = %(company)s::smallint AND s.standard_cost > 0
WHERE k.node_id = %(node)s::uuid AND k.status = 'sellable' AND k.quantity > k.committed AND s.status = 'active'
ORDER BY k.id LIMIT 3
"""


def _trial(company: int, now: datetime) -> None:
    """The draft of a profile, tried on the last days."""
    from entrepot.simulation.commands.try_profiles import AskTrial, ask_trials

    for (draft,) in _rows(
        "SELECT id FROM kernel_policydraft WHERE company_id = %(company)s::smallint"
        " AND kind = 'sourcing.profile' ORDER BY id DESC LIMIT 1", company,
    ):  # fmt: skip
        trial = AskTrial(company, draft, now - timedelta(days=3), now + timedelta(days=1))
        whole(ask_trials(_cause("lead", now), requests=[trial]))


def _file(company: int, now: datetime) -> None:
    """A long file of orders that waits for the worker."""
    from entrepot.channels.commands.import_files import AskImport, ask_imports
    from entrepot.channels.tasks import serve_files

    channel = next(iter(network.channels(company=company).values()))
    ((code,),) = _rows(
        "SELECT code FROM catalog_sku WHERE company_id = %(company)s::smallint ORDER BY id LIMIT 1", company
    )
    lines = [f"L{number},{code},1,9.95" for number in range(400)]
    content = "\n".join(["Order,SKU,Qty,Price", *lines, f"L400,{code},none,9.95"]).encode()
    ask = AskImport(company, channel.code, "orders.csv", True, content)
    (asked,) = whole(ask_imports(_cause("service", now), requests=[ask]))
    serve_files(_cause("worker", now), [asked.file])  # reads it


def _entry(company: int, now: datetime) -> None:
    """Rent of the month that nobody has billed, entered and approved, and another entry that waits."""
    from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
    from entrepot.ledger.commands.enter_entries import EnterEntry, enter_entries
    from entrepot.ledger.manual import EntryLine

    rent = EnterEntry(
        company, "accrual", now.date(), (EntryLine(5550, 120_000), EntryLine(2250, -120_000)), "rent of the month",
    )  # fmt: skip
    opened = EnterEntry(
        company,
        "opening",
        now.date(),
        (EntryLine(1000, 900_000), EntryLine(3000, -900_000)),
        "what the bank held",
    )
    one, _ = whole(enter_entries(_cause("controller", now), requests=[rent, opened]))
    whole(decide_entries(_cause("root", now), requests=[DecideEntry(one.entry, approve=True)]))


def _advice(company: int, now: datetime) -> None:
    """A dear order that waits behind cheaper ones, and the advice to raise it."""
    from entrepot.insight.commands.advise import Advise, advise
    from entrepot.work.commands.open_items import OpenItem, open_items

    (order,) = _rows(
        "SELECT id FROM orders_order WHERE company_id = %(company)s ORDER BY id LIMIT 1", company
    )[0]
    reason = "The customer asks whether all of it can come at once."
    dear = OpenItem(
        company,
        "delivery question",
        "order",
        order,
        reason,
        "customer service",
        priority=1,
        value_minor=250_000,
    )
    open_items(_cause("service", now), requests=[dear])
    whole(advise(_cause("lead", now), requests=[Advise(company, "priority")]))


def _wave(company: int, node: network.Node, now: datetime) -> None:
    """Some orders of a node that gathers its work in waves, half of which are on lists."""
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
    from entrepot.warehouse import waves
    from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
    from entrepot.warehouse.commands.release import ReleaseOrder
    from entrepot.warehouse.commands.stream import stream
    from entrepot.warehouse.commands.waves import ReleaseWave, release_wave

    gathers = policies.SetPolicy(company, "warehouse.waves", waves.Waves(mode="waves"), now, node.code)
    policies.set_policy(_cause("admin", now), requests=[gathers])
    orders, later = _orders(company, now), now + timedelta(seconds=1)
    allocate(_cause("system:allocate", later), requests=[AllocateOrder(one) for one in orders])
    stream(_cause("system:release", later), requests=[ReleaseOrder(one) for one in orders])
    wanted = ProposeWave(node.id, lines_max=len(orders), method="batch")
    (wave,) = whole(propose_wave(_cause("supervisor", later), requests=[wanted]))
    whole(release_wave(_cause("supervisor", later), requests=[ReleaseWave(wave.wave)]))


def _orders(company: int, now: datetime) -> list[UUID]:
    from entrepot.orders.commands.place import AddressGiven, OrderLine, PaymentGiven, PlaceOrder, place
    from entrepot.tax.rules import tax_on_top

    goods = _rows(_PLENTY, company)
    requests = []
    for n, one in enumerate(goods):
        lines = (OrderLine(*one), OrderLine(*goods[n - 1]))
        net = sum(int(line.unit_price * 100) * line.quantity for line in lines)
        tax = tax_on_top(net, Decimal("0.2"))
        requests.append(PlaceOrder(
            company=company, channel="shop", external_id=f"shop-wave-{n}", currency="GBP", lines=lines, occurred_at=now,
            country="GB", postal_code="M1 1AE", tax_minor=tax, promise_at=now + timedelta(days=2),
            address=AddressGiven("Robin Vale", f"{n + 1} Mill Lane", "Manchester", email=f"wave{n}@example.com"),
            payment=PaymentGiven("account", f"shop-wave-{n}", net + tax, now),
        ))  # fmt: skip
    return [one.order for one in whole(place(_cause("system:shop", now), requests=requests))]


_PLENTY = """
SELECT s.code, 1, s.list_price FROM catalog_sku AS s JOIN stock_position AS p ON p.sku_id = s.id
JOIN network_node AS n ON n.id = p.node_id AND n.priority = 1
WHERE s.company_id = %(company)s::smallint AND p.sellable - p.reserved - p.allocated > 30 AND s.minimum_age = 0
ORDER BY s.code LIMIT 14
"""


def _job(company: int, now: datetime) -> None:
    """Work that somebody takes, more of it than is done at once: it waits for the worker."""
    from entrepot.kernel.jobs import AskJob, ask_jobs
    from entrepot.work.commands.claim import ClaimItem

    which = [one for (one,) in _rows(
        "SELECT id FROM work_item WHERE company_id = %(company)s::smallint AND state = 'open' ORDER BY id", company
    )]  # fmt: skip
    asked = AskJob(company, "work.claim", tuple(map(ClaimItem, which)), tuple(map(str, which)))
    whole(ask_jobs(_cause("lead", now), requests=[asked]))
