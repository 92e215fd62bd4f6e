"""With whom what waits is expected to go, until when it has to be packed for that, and by when it has to leave for what
was promised: by the tables of carriers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import (
    Leaves,
    Parcel,
    Service,
    choose_service,
    in_own,
    leave_by,
    letters_that_count,
    that_go,
)
from entrepot.kernel import sql
from entrepot.ledger.currency_queries import worth_of
from entrepot.network import queries as network
from entrepot.network.destinations import promised_day, zone_of
from entrepot.network.rules import Calendar, last_cut_off, local_day, next_ship_date, postal_key


class Place(NamedTuple):
    """A node as carriers see it."""

    id: UUID
    company: int
    country: str
    time_zone: str
    postal_code: str


class Going(NamedTuple):
    """What an order is to send from a node as one parcel; sizes are of all of it."""

    node: UUID
    service: str
    country: str
    postal_code: str
    residential: bool
    promise_at: datetime | None
    weight_g: int
    volume_cm3: int


class Leaving:
    """The cut-offs of nodes and of the carriers that take from them, as they are next after a moment. 2 statements; 4
    more once somebody asks for a carrier, 1 more where services of a company ask in several currencies."""

    def __init__(self, places: Mapping[UUID, Place], at: datetime) -> None:
        self._places, self._at = places, at
        self.calendars = calendars = network.calendars(nodes=places)
        self._own = {node: self._next(place, calendars[node]) for node, place in places.items()}
        self._weeks = carriage.cut_offs(nodes=places)
        self._carriers = {
            node: {
                carrier: self._next(places[node], calendars[node].of(week))
                for carrier, week in of_node.items()
            }
            for node, of_node in self._weeks.items()
        }
        self._services: dict[int, list[Service]] | None = None
        self._priced: dict[int, list[Service]] | None = None
        self._known: dict[Going, str] = {}
        self._letters: dict[int, int] = {}
        self._last: dict[tuple[UUID, str, str, str, date], datetime | None] = {}

    def _next(self, place: Place, calendar: Calendar) -> tuple[date, datetime]:
        found = next_ship_date(self._at, place.time_zone, calendar)
        if found is None:
            return local_day(self._at, place.time_zone), self._at
        return found.on, found.cutoff_at

    def weeks(self, node: UUID) -> list[Calendar]:
        """The calendar of a node, and those of the carriers that have cut-offs of their own there."""
        own = self.calendars[node]
        return [own, *(own.of(week) for week in self._weeks.get(node, {}).values())]

    def differ(self, node: UUID) -> bool:
        """Whether it depends on its carrier until when an order has to be packed."""
        return bool(self._carriers[node])

    def cut_offs(self, node: UUID) -> list[datetime]:
        """All that come next, the earliest first."""
        return sorted({self._own[node][1], *(at for _, at in self._carriers[node].values())})

    def cut_off(self, node: UUID, carrier: str) -> datetime:
        """Until when what goes with a carrier has to be packed."""
        return self._carriers[node].get(carrier, self._own[node])[1]

    def _leaves(self, node: UUID) -> Leaves:
        own = ((carrier, on) for carrier, (on, _) in self._carriers[node].items())
        return Leaves(self._own[node][0], tuple(own))

    @property
    def services(self) -> Mapping[int, list[Service]]:
        """By company."""
        if self._services is None:
            self._services = carriage.services(companies={place.company for place in self._places.values()})
        return self._services

    def letters(self, company: int) -> int:
        """How many letters of the postal code of a destination the services of a company tell apart."""
        if company not in self._letters:
            self._letters[company] = letters_that_count(self.services[company])[1]
        return self._letters[company]

    def _comparable(self, company: int, named: str) -> list[Service]:
        """Services at what they ask in the company's own currency at the rate of the day, where they ask in several.
        The one that is `named` is compared with nothing."""
        if self._priced is None:
            asked = {key: {one.currency for one in some} for key, some in self.services.items()}
            several = {
                (key, one) for key, currencies in asked.items() if len(currencies) > 1 for one in currencies
            }
            worth = worth_of(several, self._at) if several else {}
            self._priced = {
                key: in_own(some, *worth[key]) if key in worth else some
                for key, some in self.services.items()
            }
        return [
            said if said.code == named else priced
            for said, priced in zip(self.services[company], self._priced.get(company, ()), strict=True)
        ]

    def leave_by(
        self,
        node: UUID,
        service: str,
        country: str,
        postal_code: str,
        promise_at: datetime | None,
        ship_by: date | None = None,
    ) -> datetime | None:
        """By when an order has to leave: for what was promised, and for the last day on which it should, `ship_by`."""
        promised = self._for_promise(node, service, country, postal_code, promise_at)
        if ship_by is None:
            return promised
        ends = datetime.combine(ship_by + timedelta(days=1), time(), ZoneInfo(self._places[node].time_zone))
        last = self.before(node, ends - timedelta(microseconds=1))
        return min(promised, last) if promised else last

    def _for_promise(
        self, node: UUID, service: str, country: str, postal_code: str, promise_at: datetime | None
    ) -> datetime | None:
        """The last cut-off at which an order may leave to be there on the day that was promised: with the service that
        it asks for, else with any that goes there. Where none is known to go, that of the node before the moment of the
        promise. None without a promise."""
        if promise_at is None:
            return None
        place = self._places[node]
        promised_on = local_day(promise_at, zone_of(country, postal_code) or place.time_zone)
        area = postal_key(postal_code)[: self.letters(place.company)]
        key = (node, service, country, area, promised_on)
        if key not in self._last:
            going = that_go(
                self.services[place.company], service, place.country, country, place.postal_code, area
            )
            weeks = self._weeks.get(node, {})
            self._last[key] = leave_by(going, promised_on, place.time_zone, self.calendars[node], weeks)
        found = self._last[key]
        return min(found, promise_at) if found else self.before(node, promise_at)

    def before(self, node: UUID, moment: datetime) -> datetime:
        """The last cut-off of a node up to a moment; that moment itself where it ships at any time."""
        if not self.calendars[node].week:
            return moment
        found = last_cut_off(
            moment + timedelta(microseconds=1), self._places[node].time_zone, self.calendars[node]
        )
        return found or moment

    def carrier(self, one: Going) -> str:
        """With whom it would go if it were sent as one parcel: the service that the order asks for, else the cheapest
        that is in time. '' where none takes it. What is known only of the packed parcel may change it."""
        if one not in self._known:
            place = self._places[one.node]
            parcel = Parcel(
                one.weight_g,
                one.volume_cm3,
                place.country,
                one.country,
                "",
                0,
                one.postal_code,
                one.residential,
                place.postal_code,
            )
            promised = promised_day(one.promise_at, one.country, one.postal_code, place.time_zone)
            taken = choose_service(
                self._comparable(place.company, one.service),
                parcel,
                one.service,
                self._leaves(one.node),
                promised,
            ).taken
            self._known[one] = taken.service.carrier if taken else ""
        return self._known[one]


def places(nodes: Collection[UUID]) -> dict[UUID, Place]:
    """Nodes as carriers see them. 1 statement."""
    return {row[0]: Place(*row) for row in sql.run(_PLACES, {"nodes": list(nodes)})}


_PLACES = """
SELECT id, company_id::int, country, time_zone, postal_code FROM network_node
WHERE id = ANY(%(nodes)s::uuid[]) ORDER BY id
"""
