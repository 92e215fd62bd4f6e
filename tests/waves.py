"""A node that gathers its work in waves, in short words."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.kernel import policies
from entrepot.network.commands import register as network
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.warehouse import waves
from entrepot.warehouse.commands.propose_wave import ProposeWave, WaveProposed, propose_wave
from entrepot.warehouse.commands.release import ReleaseOrder
from entrepot.warehouse.commands.stream import stream
from entrepot.warehouse.commands.waves import ReleaseWave, WaveReleased, release_wave
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.shop import the_system
from tests.walk import allocated, placed

if TYPE_CHECKING:
    from tests.shop import Shop


def gathers(scope: str = "N1", **facts: object) -> None:
    """A node gathers its work in waves from now on."""
    body = waves.Waves(**{"mode": "waves", **facts})  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.waves", body, NOW, scope)])


def laid_out(house: Floor) -> None:
    """Aisles at 0, 5 and 10 of the first node, 20 m long; the bin PICK is in the first, RESERVE in the last."""
    node = house.nodes[0]
    network.register_layouts(SYSTEM, requests=[network.RegisterLayout(node, (0, 5, 10), (0, 20))])
    zones = network.register_zones(SYSTEM, requests=[network.RegisterZone(node, code) for code in ("A", "B")])
    network.register_bins(
        SYSTEM,
        requests=[
            network.RegisterBin(COMPANY, node, "PICK", "pick", zones[0].id, 0, 0, 8),
            network.RegisterBin(COMPANY, node, "RESERVE", "reserve", zones[1].id, 1, 10, 4),
        ],
    )


def waiting(house: Floor, count: int, *lines: tuple[int, int], **facts: object) -> list[UUID]:
    """Orders that were promised and streamed: they wait where the node gathers waves."""
    orders = placed(house, count, *lines, **facts)
    allocated(*orders)
    stream(SYSTEM, requests=[ReleaseOrder(order) for order in orders])
    return orders


def proposed(house: Floor, **facts: object) -> WaveProposed:
    (answer,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], **facts)])  # type: ignore[arg-type]
    assert isinstance(answer, WaveProposed), answer
    return answer


def on_lists(house: Floor, count: int, *lines: tuple[int, int], **facts: object) -> WaveReleased:
    """Orders alike, released in a wave."""
    waiting(house, count, *lines)
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(proposed(house, **facts).wave)])
    assert isinstance(answer, WaveReleased), answer
    return answer


def a_shop_that_gathers(shop: Shop) -> None:
    """The shop's first node is laid out and gathers waves; the orders that were ready are promised and wait."""
    node = shop.nodes[0]
    system = the_system(shop.now)
    network.register_layouts(system, requests=[network.RegisterLayout(node, (0, 5), (0, 20))])
    zones = network.register_zones(system, requests=[network.RegisterZone(node, "A")])
    wanted = [network.RegisterBin(COMPANY, node, "A-01", "pick", zones[0].id, 0, 5, 8)]
    network.register_bins(system, requests=wanted)
    network.set_cut_offs(
        system, requests=[network.SetCutOff(node, day, _an_hour_ago(shop.now)) for day in range(7)]
    )
    body = waves.Waves(mode="waves", method="cluster")
    policies.set_policy(
        system, requests=[policies.SetPolicy(COMPANY, "warehouse.waves", body, shop.now, "LDN")]
    )
    allocate(system, requests=[AllocateOrder(order) for order in shop.orders["ready"]])
    stream(system, requests=[ReleaseOrder(order) for order in shop.orders["ready"]])


def _an_hour_ago(now: datetime) -> time:
    """A cut-off that is a day away, whatever the hour: what fits before it must not depend on when a test runs."""
    return (now - timedelta(hours=1)).astimezone(ZoneInfo("Europe/London")).time()
