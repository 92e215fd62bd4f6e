"""The first page of each role."""

from __future__ import annotations

import pytest
from django.urls import reverse

from entrepot.access.rules import ROLES
from entrepot.insight.kpis import KPIS
from entrepot.insight.waiting import SIGNALS
from entrepot.web.homes import ADMINISTRATOR, FIGURES_MAX, HOMES, LINES, home_of


@pytest.mark.parametrize("role", sorted([*ROLES, ADMINISTRATOR]))
def test_every_role_has_a_home_whose_lines_are_known(role):
    home = HOMES[role]
    assert {*home.waits, *home.late, *home.wrong} <= set(SIGNALS)
    assert set(home.figures) <= set(KPIS)
    assert 1 <= len(home.figures) <= FIGURES_MAX
    assert home.waits


def test_every_signal_has_a_line_and_is_somebodys():
    assert (
        set(LINES)
        == set(SIGNALS)
        == {n for one in HOMES.values() for n in (*one.waits, *one.late, *one.wrong)}
    )
    for line in LINES.values():
        assert reverse(line.url)


def test_several_roles_share_a_home_and_each_line_stands_once():
    both = home_of(["picker", "packer"])
    assert both.waits == ("to pick", "replenishments", "counts", "to pack", "to ship")
    assert both.late == ("pick late", "pack late", "not collected")
    assert len(set(both.figures)) == len(both.figures)
    assert ADMINISTRATOR not in ROLES
    assert home_of([], everything=True) == HOMES[ADMINISTRATOR]
    assert "to pick" in home_of(["picker"], everything=True).waits
    assert home_of([]) == home_of(["operations lead"]) == HOMES["operations lead"]
