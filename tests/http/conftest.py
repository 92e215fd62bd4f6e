"""A shop with people, and clients that ask as one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # Django isn't set up yet when this file is read
    from django.test import Client

    from tests.asking import Program
    from tests.handheld import Handheld
    from tests.leavings import Standing
    from tests.shop import Shop


@pytest.fixture
def shop(standing_shop: Standing, db) -> Shop:
    return standing_shop.made()


@pytest.fixture
def program(shop: Shop) -> Callable[[str], Program]:
    """A program that acts for somebody of the shop, by name."""
    from tests.asking import a_program

    return lambda name: a_program(shop.people[name])


@pytest.fixture
def console(shop: Shop) -> Callable[[str], Client]:
    """A browser in which somebody has entered."""
    from tests.asking import a_browser

    return a_browser


@pytest.fixture
def handheld(console: Callable[[str], Client]) -> Callable[[str], Handheld]:
    """A browser with a scanner, in which somebody has entered."""
    from tests.handheld import Handheld

    return lambda name: Handheld(console(name))
