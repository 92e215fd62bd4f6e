"""access.withdraw_links"""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import queries
from entrepot.access.commands.withdraw_links import LinksWithdrawn, WithdrawLinks, withdraw_links
from entrepot.kernel import ids
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotPermitted
from tests.floor import COMPANY, NOW, SYSTEM
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


def test_links_bear_a_number_that_grows_with_each_time_they_are_withdrawn() -> None:
    one, other = ids.uuid7(), ids.uuid7()
    assert (queries.link_number(one), queries.link_number(other)) == (0, 0)
    wanted = [WithdrawLinks(COMPANY, "order", one, key="k")]
    assert withdraw_links(SYSTEM, requests=wanted) == [LinksWithdrawn(one, 1)]
    assert withdraw_links(SYSTEM, requests=wanted) == [LinksWithdrawn(one, 1)], (
        "the same key gets the same answer"
    )
    again = [WithdrawLinks(COMPANY, "order", one)]
    assert withdraw_links(SYSTEM, requests=[*again, *again]) == [LinksWithdrawn(one, 3)] * 2
    assert (queries.link_number(one), queries.link_number(other)) == (3, 0)
    (refused,) = withdraw_links(Cause(Actor("nobody"), NOW), requests=again)
    assert isinstance(refused, NotPermitted) and queries.link_number(one) == 3


@pytest.mark.counts("access.withdraw_links")
def test_statements_do_not_grow_with_the_batch(statements: Any) -> None:
    counts = []
    for size in SIZES:
        with statements() as ran:
            withdraw_links(
                SYSTEM, requests=[WithdrawLinks(COMPANY, "order", ids.uuid7()) for _ in range(size)]
            )
        counts.append(len(ran))
    assert len(set(counts)) == 1
