"""sourcing.review_stock, propose_transfers, accept_transfers, reject_transfers and send_transfers"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network.commands import register as network
from entrepot.sourcing import errors, queries, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.ask_transfers import AskTransfer, TransferAsked, ask_transfers
from entrepot.sourcing.commands.rebalance import (
    ProposeTransfers,
    ReviewStock,
    StockReviewed,
    TransfersProposed,
    propose_transfers,
    review_stock,
)
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    RejectTransfer,
    SendTransfer,
    TransferSent,
    accept_transfers,
    reject_transfers,
    send_transfers,
)
from entrepot.sourcing.rebalancing import Rebalancing
from entrepot.sourcing.rules import Profile
from entrepot.stock.commands.set_floor import SetSafety, set_safety
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import MANY
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    """Units are worth 100, and may be moved for that much."""
    house = a_house()
    steer(cost_max_percent=100)
    return house


def steer(at: Cause = SYSTEM, **body: int) -> None:
    request = SetPolicy(COMPANY, "sourcing.rebalancing", Rebalancing(**body), NOW - timedelta(days=1))
    set_policy(at, requests=[request])


def steer_sourcing(**body: int) -> None:
    request = SetPolicy(COMPANY, "sourcing.profile", Profile(**body), NOW - timedelta(days=1))  # type: ignore[arg-type]
    set_policy(SYSTEM, requests=[request])


def proposed(house: Floor, sku: int = 0, at: Cause = SYSTEM) -> TransfersProposed:
    (answer,) = propose_transfers(at, requests=[ProposeTransfers(house.skus[sku])])
    assert isinstance(answer, TransfersProposed)
    return answer


def rows(state: str = "proposed") -> list[queries.ProposalRow]:
    return queries.proposals(company=COMPANY, state=state)


def one(state: str = "proposed") -> queries.ProposalRow:
    (found,) = rows(state)
    return found


def sold(house: Floor, units: int, node: int) -> None:
    """Units of the first SKU that the node has sent to customers."""
    house.stock(0, units, node=node)
    order = house.order((0, units)).order
    shipped(order)


def short_at_the_second(house: Floor) -> None:
    """The first node has 50 to spare, the second lacks safety stock of 12."""
    house.stock(0, 50)
    house.stock(0, 1, node=1)
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[0], house.nodes[1], 13)])


# ---- propose


def test_what_was_sold_is_covered_from_the_node_that_has_it(house: Floor) -> None:
    sold(house, 8, node=1)
    house.stock(0, 30)

    answer = proposed(house)

    found = one()
    assert answer == TransfersProposed(house.skus[0], 1, 4, 0)
    assert (found.sku_code, found.from_code, found.to_code, found.quantity) == ("SKU-000", "N1", "N2", 4)
    assert (found.cost_minor, found.value_minor) == (4 * (20 + 50), 400)
    assert found.terms["to"] == {
        "free": 0, "coming": 0, "sold": 8, "waiting": 0, "target": 4, "need": 4, "surplus": 0,
    }  # fmt: skip
    assert (found.terms["from"]["surplus"], found.terms["km"], found.terms["unit_cost"]) == (30, 500, 70)


def test_units_of_an_order_that_waits_for_another_line_are_moved_nowhere(house: Floor) -> None:
    """It ships complete, and the node that has them would send them."""
    house.stock(0, 30, node=1)
    order = house.order((0, 5), (1, 1), policy="ship_complete").order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert proposed(house).units == 0

    together = house.order((0, 5), (1, 1), policy="ship_complete").order
    house.stock(1, 1)
    steer_sourcing(nodes_per_order_max=1)
    allocate(SYSTEM, requests=[AllocateOrder(together)])
    assert proposed(house).units == 5, "what may come in one shipment alone is brought together"


def test_safety_stock_is_filled_up_and_what_is_coming_counts(house: Floor) -> None:
    short_at_the_second(house)
    assert proposed(house).units == 12

    accept_transfers(SYSTEM, requests=[AcceptTransfer(one().id)])
    send_transfers(SYSTEM, requests=[SendTransfer(one("accepted").id)])
    assert proposed(house) == TransfersProposed(house.skus[0], 0, 0, 0)


def test_orders_that_wait_draw_units_from_a_node_that_does_not_serve_them(house: Floor) -> None:
    sql.run("DELETE FROM network_channelnode WHERE node_id = %(node)s", {"node": house.nodes[1]})
    house.stock(0, 20, node=1)
    allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 2)).order)])

    proposed(house)

    assert (one().from_code, one().to_code, one().quantity) == ("N2", "N1", 2)


def test_a_run_takes_the_place_of_the_one_before(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    before = one().id
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[0], house.nodes[1], 6)])

    proposed(house)

    assert (one().id != before, one().quantity) == (True, 5)
    (gone,) = accept_transfers(SYSTEM, requests=[AcceptTransfer(before)])
    assert gone == NotFound(what="transfer proposal", which=str(before))


def test_what_is_accepted_is_not_proposed_again(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    accept_transfers(SYSTEM, requests=[AcceptTransfer(one().id)])

    assert proposed(house).proposals == 0
    assert one("accepted").quantity == 12


def test_what_was_rejected_is_quiet_for_some_days(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    reject_transfers(SYSTEM, requests=[RejectTransfer(one().id, "the van is in the workshop")])
    later = Cause(SYSTEM.actor, NOW + timedelta(days=8), "a test")

    assert proposed(house).proposals == 0
    assert proposed(house, at=later).proposals == 1


def test_nothing_is_moved_that_costs_too_much_of_its_worth(house: Floor) -> None:
    short_at_the_second(house)
    steer(handling_minor=26, per_100_km_minor=0)
    assert proposed(house).proposals == 0  # a quarter of 100 is 25

    steer(handling_minor=25, per_100_km_minor=0)
    assert proposed(house).proposals == 1


def test_small_ones_are_accepted_by_rule(house: Floor) -> None:
    short_at_the_second(house)
    steer(accept_units_max=12, accept_value_max_minor=1200, cost_max_percent=100)

    assert proposed(house) == TransfersProposed(house.skus[0], 1, 12, 1)

    assert (one("accepted").decided_by, rows()) == ("system:test", [])
    (item,) = work.of_subject(one("accepted").id)
    assert (item.type, item.reason) == ("transfer to send", "Send 12 of SKU-000 from N1 to N2")


def test_a_policy_that_makes_no_sense_is_refused(house: Floor) -> None:
    body = {"cover_days": 0}
    (answer,) = set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "sourcing.rebalancing", body, NOW)])

    assert isinstance(answer, Invalid)
    assert "cover_days" in answer.message


def test_distances_make_the_nearer_node_send(house: Floor) -> None:
    places = {"N1": (51.5, -0.1), "N2": (55.9, -4.3), "N3": (53.5, -2.2)}
    network.register_nodes(
        SYSTEM,
        requests=[
            network.RegisterNode(
                COMPANY, code, code, "GB", latitude=latitude, longitude=longitude, priority=int(code[1])
            )
            for code, (latitude, longitude) in places.items()
        ],
    )
    house.stock(0, 40)
    house.stock(0, 40, node=1)
    third = next(key for key, code in sql.run("SELECT id, code FROM network_node") if code == "N3")
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[0], third, 5)])
    steer(cost_max_percent=100)

    proposed(house)

    assert (one().from_code, one().to_code, one().terms["km"]) == ("N1", "N3", 264)


# ---- decide and send


def test_accepted_units_leave_by_a_transfer_and_are_expected(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    (accepted,) = accept_transfers(someone("ann"), requests=[AcceptTransfer(one().id)])
    assert accepted.state == "accepted"
    assert [item.state for item in work.of_subject(accepted.proposal)] == ["open"]

    (sent,) = send_transfers(someone("bob"), requests=[SendTransfer(accepted.proposal)])

    assert isinstance(sent, TransferSent)
    assert sent.sent == 12
    assert sql.run("SELECT quantity, expected_on, document_id FROM stock_supply") == [
        (12, (NOW + timedelta(days=3)).date(), sent.transfer)
    ]
    assert [item.state for item in work.of_subject(accepted.proposal)] == ["done"]
    assert queries.proposals(company=COMPANY, state="sent")[0].transfer == sent.transfer


def asking(house: Floor, **changes: object) -> AskTransfer:
    facts = {"sku": house.skus[0], "source": house.nodes[0], "target": house.nodes[1], "quantity": 5}
    return AskTransfer(COMPANY, **(facts | {"reason": "for the fair"} | changes))  # type: ignore[arg-type]


def test_what_is_asked_for_by_hand_is_work_until_it_has_left(house: Floor) -> None:
    house.stock(0, 30)
    (asked,) = ask_transfers(someone("ann"), requests=[asking(house)])
    assert isinstance(asked, TransferAsked)
    (item,) = work.of_subject(asked.proposal)
    assert (item.state, item.type, item.role) == ("open", "transfer to send", "warehouse supervisor")
    row = one("accepted")
    assert (row.id, row.quantity, row.decided_by, row.reason) == (asked.proposal, 5, "ann", "for the fair")
    assert (row.value_minor, row.cost_minor) == (500, 5 * row.terms["unit_cost"])
    assert proposed(house).proposals == 0, "what is accepted counts as on its way"

    (sent,) = send_transfers(someone("bob"), requests=[SendTransfer(asked.proposal)])

    assert isinstance(sent, TransferSent) and sent.sent == 5
    assert [item.state for item in work.of_subject(asked.proposal)] == ["done"]
    (again,) = ask_transfers(someone("ann"), requests=[asking(house)])
    reject_transfers(SYSTEM, requests=[RejectTransfer(again.proposal, "no van")])
    assert [item.state for item in work.of_subject(again.proposal)] == ["done"]


def test_what_can_not_be_asked_for_is_refused_and_its_neighbors_are_not(house: Floor) -> None:
    wrong = [
        asking(house, sku=ids.uuid7()), asking(house, source=ids.uuid7()), asking(house, target=house.nodes[0]),
        asking(house, quantity=0), asking(house, reason=" "), asking(house),
    ]  # fmt: skip
    answers = ask_transfers(SYSTEM, requests=wrong)
    assert [type(answer) for answer in answers] == [
        NotFound, NotFound, Invalid, Invalid, Invalid, TransferAsked,
    ]  # fmt: skip
    assert len(rows("accepted")) == 1
    request = asking(house, sku=house.skus[1], key="k")
    assert ask_transfers(SYSTEM, requests=[request]) == ask_transfers(SYSTEM, requests=[request])
    assert len(rows("accepted")) == 2


def test_what_waits_to_be_sent_is_not_asked_for_twice_and_a_kit_not_at_all(house: Floor) -> None:
    twice = [asking(house), asking(house), asking(house, source=house.nodes[1], target=house.nodes[0])]
    first, same, back = ask_transfers(SYSTEM, requests=twice)
    assert isinstance(first, TransferAsked) and isinstance(back, TransferAsked)
    assert isinstance(same, Invalid) and "SKU-000 twice" in same.message
    (refused,) = ask_transfers(SYSTEM, requests=[asking(house)])
    assert refused == errors.AskedAlready(number=first.number, sku="SKU-000", source="N1", target="N2")
    reject_transfers(SYSTEM, requests=[RejectTransfer(first.proposal, "too few")])
    assert isinstance(ask_transfers(SYSTEM, requests=[asking(house)])[0], TransferAsked)

    sql.run(
        "INSERT INTO catalog_component (kit_id, sku_id, units, number) VALUES (%(kit)s, %(sku)s, 1, 1)",
        {"kit": house.skus[1], "sku": house.skus[0]},
    )
    (refused,) = ask_transfers(SYSTEM, requests=[asking(house, sku=house.skus[1])])
    assert isinstance(refused, Invalid) and "the kit SKU-001" in refused.message


@pytest.mark.counts("sourcing.ask_transfers")
def test_statements_of_asking_do_not_grow_with_the_batch(db: None, statements) -> None:
    house = a_house(skus=MANY + 11)
    counts = []
    for some in (range(1), range(1, 11), range(11, MANY + 11)):
        with statements() as asking_:
            ask_transfers(SYSTEM, requests=[asking(house, sku=house.skus[sku]) for sku in some])
        counts.append(len(asking_))
    assert counts == [10] * 3, "as the docstring says, and the events"


def test_what_goes_the_same_way_goes_in_one_transfer(house: Floor) -> None:
    for sku in (0, 1):
        house.stock(sku, 50)
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[sku], house.nodes[1], 10)])
    propose_transfers(SYSTEM, requests=[ProposeTransfers(sku) for sku in house.skus])
    asked = [AcceptTransfer(row.id) for row in rows()]
    accept_transfers(SYSTEM, requests=asked)

    first, second = send_transfers(SYSTEM, requests=[SendTransfer(each.proposal) for each in asked])

    assert first.transfer == second.transfer
    assert sql.run("SELECT count(*), sum(quantity)::int FROM stock_transferline") == [(2, 20)]


def test_only_what_is_still_free_is_sent(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    accept_transfers(SYSTEM, requests=[AcceptTransfer(one().id)])
    allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 45)).order)])

    (sent,) = send_transfers(SYSTEM, requests=[SendTransfer(one("accepted").id)])

    assert (sent.sent, sent.left, sent.rest, sent.missing) == (5, 0, None, 7)
    assert one("sent").sent == 5
    assert rows("accepted") == []


def test_a_part_leaves_and_the_rest_stays_to_be_sent(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    accept_transfers(someone("ann"), requests=[AcceptTransfer(one().id)])
    whole = one("accepted")

    def sends(which: UUID, quantity: int | None, key: str | None = None):
        (answer,) = send_transfers(someone("bob"), requests=[SendTransfer(which, key=key, quantity=quantity)])
        return answer

    for wrong in (0, -1, 13):
        refused = sends(whole.id, wrong)
        assert isinstance(refused, Invalid) and refused.facts["found"] == wrong
    sent = sends(whole.id, 5, "part")
    assert isinstance(sent, TransferSent) and sends(whole.id, 5, "part") == sent
    assert (sent.sent, sent.left, sent.missing) == (5, 7, 0)
    rest = one("accepted")
    assert (rest.id, rest.quantity, rest.decided_by, rest.terms) == (sent.rest, 7, "ann", whole.terms)
    assert rest.cost_minor == round(whole.cost_minor * 7 / 12) and rest.number != whole.number
    assert [item.state for item in work.of_subject(whole.id)] == ["done"]
    assert [item.state for item in work.of_subject(rest.id)] == ["open"]
    assert sql.run("SELECT sum(quantity)::int FROM stock_supply") == [(5,)]

    allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 42)).order)])
    assert sends(rest.id, 7) == errors.TooFewToSend(
        number=rest.number, sku="SKU-000", node="N1", free=3, wanted=7
    )
    last = sends(rest.id, None)
    assert (last.sent, last.left, last.missing) == (3, 0, 4)
    assert rows("accepted") == []


def test_nothing_free_is_refused_and_stays_accepted(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    accept_transfers(SYSTEM, requests=[AcceptTransfer(one().id)])
    allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 50)).order)])
    asked = one("accepted")

    (refused,) = send_transfers(SYSTEM, requests=[SendTransfer(asked.id)])

    assert refused == errors.NothingToSend(number=asked.number, sku="SKU-000", node="N1")
    assert one("accepted").id == asked.id
    (done,) = reject_transfers(SYSTEM, requests=[RejectTransfer(asked.id, "sold meanwhile")])
    assert done.state == "rejected"
    assert [item.state for item in work.of_subject(asked.id)] == ["done"]


def test_what_does_not_fit_is_refused_and_its_neighbors_are_not(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    key, unknown = one().id, ids.uuid7()

    assert isinstance(send_transfers(SYSTEM, requests=[SendTransfer(key)])[0], WrongState)
    assert isinstance(reject_transfers(SYSTEM, requests=[RejectTransfer(key, "")])[0], Invalid)
    answers = accept_transfers(SYSTEM, requests=[AcceptTransfer(which) for which in (unknown, key, key)])
    assert [type(answer).__name__ for answer in answers] == ["NotFound", "TransferDecided", "WrongState"]
    twice = send_transfers(SYSTEM, requests=[SendTransfer(key), SendTransfer(key)])
    assert [type(answer).__name__ for answer in twice] == ["TransferSent", "WrongState"]
    assert isinstance(reject_transfers(SYSTEM, requests=[RejectTransfer(key, "too late")])[0], WrongState)


def test_the_same_key_is_answered_once(house: Floor) -> None:
    short_at_the_second(house)
    proposed(house)
    accept, send = AcceptTransfer(one().id, key="a"), SendTransfer(one().id, key="s")

    assert accept_transfers(SYSTEM, requests=[accept]) == accept_transfers(SYSTEM, requests=[accept])
    assert send_transfers(SYSTEM, requests=[send]) == send_transfers(SYSTEM, requests=[send])
    assert sql.run("SELECT count(*) FROM stock_transfer") == [(1,)]


# ---- at night


def test_every_sku_is_looked_at_by_the_worker(house: Floor) -> None:
    short_at_the_second(house)
    house.stock(1, 5)

    (answer,) = review_stock(SYSTEM, requests=[ReviewStock(COMPANY)])
    subjects = [sku for (sku,) in sql.run("SELECT subject FROM kernel_ready WHERE queue = 'rebalance'")]
    tasks.serve_rebalance(SYSTEM, subjects)

    assert answer == StockReviewed(2)
    assert set(subjects) == set(house.skus[:2])
    assert one().quantity == 12
    assert sql.run("SELECT count(*) FROM kernel_ready WHERE queue = 'rebalance'") == [(0,)]


@pytest.mark.counts("sourcing.accept_transfers", "sourcing.propose_transfers")
def test_statements_do_not_grow_with_the_batch(db: None, statements) -> None:
    house = a_house(skus=MANY + 11)
    steer(cost_max_percent=100)
    counts = []
    for some in (range(1), range(1, 11), range(11, MANY + 11)):
        house.stock_all(some, 30)
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[sku], house.nodes[1], 10) for sku in some])
        with statements() as proposing:
            propose_transfers(SYSTEM, requests=[ProposeTransfers(house.skus[sku]) for sku in some])
        keys = [row.id for row in queries.proposals(company=COMPANY, limit=1000)]
        assert len(keys) == len(some)
        with statements() as accepting:
            accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys])
        dropped = keys[: len(keys) // 2]
        with statements() as rejecting:
            reject_transfers(SYSTEM, requests=[RejectTransfer(key, "no van") for key in dropped])
        with statements() as sending:
            send_transfers(SYSTEM, requests=[SendTransfer(key) for key in keys[len(dropped) :]])
        counts.append([len(proposing), len(accepting), len(rejecting), len(sending)])
    # As the docstrings say, and the events; sending also makes buckets in transit, and offers the SKUs.
    assert counts == [[13 + 2, 4, 0, 31], [13 + 2, 4, 5, 31], [13 + 2, 4, 5, 31]]


def test_statements_of_parts_do_not_grow_with_the_batch(db: None, statements) -> None:
    house = a_house(skus=111)
    steer(cost_max_percent=100)
    counts = []
    for some in (range(1), range(1, 11), range(11, 111)):
        house.stock_all(some, 30)
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[sku], house.nodes[1], 10) for sku in some])
        propose_transfers(SYSTEM, requests=[ProposeTransfers(house.skus[sku]) for sku in some])
        keys = [row.id for row in queries.proposals(company=COMPANY, limit=1000)]
        accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys])
        with statements() as sending:
            answers = send_transfers(SYSTEM, requests=[SendTransfer(key, quantity=1) for key in keys])
        assert [answer.left for answer in answers] == [9] * len(some)
        counts.append(len(sending))
    assert len(set(counts)) == 1, counts
