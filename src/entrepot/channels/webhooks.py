"""What programs outside are told by webhook, and how: which events have a name, what a message says, how it is signed
(Standard Webhooks), where it may go, and when an address is given up. Pure."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from entrepot.kernel.errors import Invalid, Refused, Said, one_of

NAME_MAX, URL_MAX = 100, 500
PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
BOTH_HOLD = timedelta(hours=24)
"""How long the former secret signs beside a new one."""
TEST = "webhook.test"
HELD = ("payment hold", "fraud review", "address hold", "tax hold", "inventory hold")


class Named(NamedTuple):
    """An event of the log that programs may be told of: of which kind of document, in which states after
    it (none: any)."""

    kind: str
    states: tuple[str, ...]
    tells: str
    begins: bool = False
    """Only where the document had no state before: it is new."""
    by: str = ""
    """What this command did to a document whose state stayed."""


EVENTS: dict[str, Named] = {
    "order.placed": Named("order", (), "An order was taken in", begins=True),
    "order.held": Named("order", HELD, "Something holds an order: its state after says what"),
    "order.ready": Named("order", ("ready",), "Nothing holds an order, and its goods can be sent"),
    "order.packed": Named("order", ("packed",), "All of an order is packed"),
    "order.partly_shipped": Named("order", ("partly shipped",), "Some of an order has left, and some has not"),
    "order.shipped": Named("order", ("shipped",), "All of an order has left"),
    "order.delivered": Named("order", ("delivered",), "All of an order has arrived"),
    "order.cancelled": Named("order", ("cancelled",), "An order was cancelled, as a whole or with its last unit"),
    "order.closed": Named("order", ("closed",), "Nothing more comes of an order"),
    "order.promise_slipped": Named(
        "order", (), "What an order waits for comes later than it was told", by="sourcing.peg"
    ),
    "shipment.shipped": Named("shipment", ("shipped",), "A carrier has a shipment"),
    "shipment.delivered": Named("shipment", ("delivered",), "A shipment has arrived"),
    "return.requested": Named("return", ("requested",), "A return waits for a decision"),
    "return.authorized": Named("return", ("authorized",), "A return may be sent"),
    "return.declined": Named("return", ("declined",), "A return was declined"),
    "return.received": Named("return", ("received",), "Goods of a return are here and wait for inspection"),
    "return.inspected": Named("return", ("inspected",), "Goods of a return were inspected"),
    "return.disposed": Named("return", ("disposed",), "Nothing of a return that is here waits any more"),
    "return.refused": Named(
        "return", (), "Inspected units of a return are not taken back", by="returns.refuse_units"
    ),
    "return.accepted": Named(
        "return", (), "Units of a return that somebody had to decide about, or refused, are taken back",
        by="returns.accept_units",
    ),
    "return.sent_back": Named(
        "return", (), "Units of a return are on their way back to their customer", by="returns.send_back"
    ),
    "repair.offered": Named("repair", ("offered",), "A customer is asked to agree to the price of a repair"),
    "repair.agreed": Named("repair", ("agreed",), "A repair is ordered of the workshop"),
    "repair.declined": Named("repair", ("declined",), "A customer did not agree to the price of a repair"),
    "repair.repaired": Named("repair", ("repaired",), "What a customer wants repaired is"),
    "repair.failed": Named("repair", ("failed",), "What a customer wants repaired can't be"),
    "repair.sent": Named("repair", ("sent",), "What was in repair is on its way back to its customer"),
    "repair.lost": Named("repair", ("lost",), "What was in repair was lost on its way back to its customer"),
    "repair.delivered": Named("repair", ("delivered",), "What was in repair is back with its customer"),
    "repair.settled": Named("repair", ("settled",), "Something else was agreed on than a repair"),
    "return.closed": Named("return", ("closed",), "Goods and money of a return are done with"),
    "return.cancelled": Named("return", ("cancelled",), "A return does not come"),
    "refund.waiting": Named("refund", ("waiting",), "A refund waits for another person"),
    "refund.approved": Named("refund", ("approved",), "A refund was approved and asked of the provider"),
    "refund.paid": Named("refund", ("paid",), "A refund was paid"),
    "refund.failed": Named("refund", ("failed",), "A refund failed and waits for a person"),
    "refund.rejected": Named("refund", ("rejected",), "A refund was not approved"),
    "dispute.opened": Named("dispute", ("needs_response",), "A bank asks about a payment", begins=True),
    "dispute.won": Named("dispute", ("won",), "A dispute was won"),
    "dispute.lost": Named("dispute", ("lost",), "A dispute was lost"),
    "purchase_order.ordered": Named("purchase_order", ("open",), "Goods were ordered from a supplier"),
    "purchase_order.changed": Named(
        "purchase_order", (), "An order asks for other units, days, prices or lines", by="purchasing.change"
    ),
    "purchase_order.sent": Named(
        "purchase_order", (), "An order is sent to its supplier by mail", by="purchasing.send_orders"
    ),
    "purchase_order.confirmed": Named(
        "purchase_order", (), "A supplier says what he sends of an order, and when", by="purchasing.confirm"
    ),
    "purchase_order.rescheduled": Named(
        "purchase_order", (), "What is to come of an order is expected on another day", by="purchasing.reschedule"
    ),
    "purchase_order.received": Named("purchase_order", ("received",), "All of a purchase order has come"),
    "purchase_order.part_received": Named("purchase_order", ("part_received",), "Some of a purchase order has come"),
    "purchase_order.cancelled": Named("purchase_order", ("cancelled",), "A purchase order was cancelled"),
    "transfer.shipped": Named("transfer", ("in_transit",), "Goods left for another node"),
    "transfer.received": Named("transfer", ("received",), "Goods from another node have come"),
    "sku.changed": Named("sku", ("registered",), "A SKU is new or stands otherwise"),
}  # fmt: skip
"""Every name that may be subscribed to. What a message tells of them is thin: which document, and its states before and
after. Whoever may see more asks the API for the document."""


def names_of(kind: str, before: str, after: str, command: str = "") -> list[str]:
    """The names of an event of the log; most have none. Of one that changes no state only what its command has a name
    for is told."""
    if before == after and kind != "sku":
        return [name for name, one in EVENTS.items() if one.kind == kind and one.by and one.by == command]
    return [
        name
        for name, one in EVENTS.items()
        if one.kind == kind
        and not one.by
        and (not one.states or after in one.states)
        and not (one.begins and before)
    ]


KINDS = tuple(sorted({one.kind for one in EVENTS.values()}))
"""The kinds of documents that there are names for."""


def message(
    name: str, which: str, at: datetime, company: str, kind: str = "", subject: UUID | None = None,
    before: str = "", after: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A message as the outbox keeps it: its id, which stays the same however often it is sent, and what is sent. Nobody
    is named in it, neither buyer nor whoever did it."""
    data: dict[str, Any] = {"company": company}
    if subject is not None:
        data |= {"kind": kind, "id": str(subject), "before": before, "after": after}
    return {"id": which, "sent": {"type": name, "timestamp": at.isoformat(), "data": data}}


def misfit(name: str, url: str, events: Iterable[str], *, permits_local: bool) -> Refused | None:
    """Why programs can't be told so."""
    if not 0 < len(name) <= NAME_MAX:
        return Invalid(field="name", expected=Said("1 to {0} letters", NAME_MAX), found=f"{len(name)}")
    wanted = list(events)
    unknown = sorted(set(wanted) - EVENTS.keys())
    if unknown:
        return Invalid(field="events", expected=one_of(sorted(EVENTS)), found=", ".join(unknown))
    if not wanted:
        return Invalid(field="events", expected="one at least", found="none")
    return misfit_url(url, permits_local=permits_local)


def misfit_url(url: str, *, permits_local: bool) -> Refused | None:
    """Why messages can't go to an address: only to https, to a host of the public internet, without a name or password
    in it. Where the host's name leads is looked at again each time before anything is sent."""
    fits = "https://host/path, without a name, password or fragment"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return Invalid(field="url", expected=fits, found=url[:URL_MAX])
    schemes = ("https", "http") if permits_local else ("https",)
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_MAX
    if not (is_plain and parts.scheme in schemes and parts.hostname) or "@" in parts.netloc or parts.fragment:
        return Invalid(field="url", expected=fits, found=url[:URL_MAX] or "nothing")
    if not permits_local and _is_written_locally(parts.hostname):
        return Invalid(field="url", expected="a host of the public internet", found=parts.hostname)
    return None


def _is_written_locally(host: str) -> bool:
    """Whether a host is written as an address, or a name, of the house or its network."""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet: not of this machine, its network, a cloud's metadata, or one of
    those wrapped in IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = (
            found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1]) or _of_nat64(found)
        )
        if inside:
            return is_public(str(inside))
    is_closed = any(found in network for network in CLOSED)
    return found.is_global and not found.is_multicast and not found.is_reserved and not is_closed


CLOSED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48")))
"""Networks with a purpose of their own that Python, or an older one, takes for public: those of protocols, the way to
6to4, the former addresses of a site, and translation within a house."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
V4_BITS = 0xFFFF_FFFF


def _of_nat64(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(found) & V4_BITS) if found in NAT64 else None


def misfit_secret(secret: str) -> Refused | None:
    """Why a secret can't sign."""
    least, most = SECRET_BYTES
    expected = Said("{0} and {1} to {2} bytes as base64", PREFIX, least, most)
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not secret.startswith(PREFIX) or not least <= size <= most:
        return Invalid(field="secret", expected=expected, found="something else")
    return None


AWAY = (408, 425, 429, 502, 503, 504)
"""What says that nobody is there, or that there is too much: the other messages are left in peace as well."""
GONE = 410
"""What says that there will be nobody again."""


def is_taken(status: int) -> bool:
    return 200 <= status < 300


class Tried(NamedTuple):
    """What came of the messages to an address: how many were given up without that anything arrived since they were
    written, and whether it said that it is gone."""

    given_up: int
    is_gone: bool


DEAD, GONE_FOR_GOOD = "no message has arrived for three days", "it says that it is gone"
"""Why an address is given up."""


def is_given_up(tried: Tried) -> bool:
    """Whether an address is told nothing more until a person says so: a message was tried for three days and nothing
    has arrived meanwhile, or it says itself that it is gone."""
    return tried.is_gone or tried.given_up > 0
