"""A house whose labels are bought of a go-between, and the imitation of that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from entrepot.carriage.commands.register import RegisterService, register_services
from tests.floor import COMPANY, SYSTEM, Floor
from tests.imitation import Imitation, an_imitation, easypost
from tests.walk import a_house

LIVE = RegisterService(
    COMPANY, "Post", "slow", "Slow", 4, 30_000, "GBP", (("GB", "GB", "inland"),), (("inland", 30_000, 300),),
    live="easypost:Post Slow",
)  # fmt: skip


def a_live_house() -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    register_services(SYSTEM, requests=[LIVE])
    return house


@contextmanager
def an_account(settings: Any) -> Iterator[Imitation]:
    """The house's account with EasyPost, which answers as the imitation is told to."""
    with an_imitation(easypost) as imitation:
        settings.EASYPOST_KEY, settings.EASYPOST_URL = "key", imitation.url
        yield imitation
