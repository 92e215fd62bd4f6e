"""Several people block and trust the same buyers at once."""

from __future__ import annotations

from entrepot.orders import errors, listing_queries
from entrepot.orders.commands.list_buyers import BuyerListed, ListBuyer, list_buyers
from tests.selling import CAUSE, COMPANY, a_seller
from tests.together import all_at_once


def test_each_is_listed_once_however_many_do_it(committed_db):
    a_seller()
    names = [f"customer:C-{n}" for n in range(20)]
    batches = [
        [ListBuyer(COMPANY, ("blocked", "trusted")[turn % 2], name, "why") for name in order]
        for turn, order in enumerate((names, names[::-1], names, names[::-1]))
    ]
    answers = all_at_once(list_buyers, CAUSE, *batches)
    done = [one for one in answers if isinstance(one, BuyerListed)]
    assert sorted(one.entry for one in done) == sorted(names)
    assert sum(isinstance(one, errors.AlreadyListed) for one in answers) == 60
    assert len(listing_queries.listings(COMPANY, limit=100)) == 20
