"""Handhelds at once: one step of a person's task, one tote for two orders, one replenishment for two people."""

from __future__ import annotations

from entrepot.kernel.errors import WrongState
from entrepot.kernel.ids import uuid7
from entrepot.warehouse import floor_queries, shelf_queries
from entrepot.warehouse.commands.replenish import (
    Replenish,
    Replenished,
    ReviewFaces,
    SetPickFace,
    replenish,
    review_faces,
    set_pick_faces,
)
from entrepot.warehouse.commands.totes import ToteUsed, UseTote, use_totes
from entrepot.warehouse.errors import ToteTaken
from entrepot.work import queries
from entrepot.work.commands.keep_scans import KeepScans, ScansKept, keep_scans
from entrepot.work.errors import ScanMoved
from tests.floor import COMPANY, SYSTEM
from tests.together import at_once
from tests.walk import a_house, placed, released


def test_of_two_handhelds_one_goes_on_and_a_tote_holds_one_order(committed_db):
    task = uuid7()
    scans = [[KeepScans(COMPANY, "pick", task, (word,))] for word in ("bin", "other", "third", "fourth")]
    answers = [one for (one,) in at_once([lambda s=s: keep_scans(SYSTEM, requests=s) for s in scans])]
    assert sorted(type(one).__name__ for one in answers) == [ScanMoved.__name__] * 3 + [ScansKept.__name__]
    assert len(queries.scanned(SYSTEM.actor.name, "pick").scans) == 1

    house = a_house()
    house.stock(0, 40)
    orders = released(*placed(house, 8, (0, 1)))
    totes = [[UseTote(one, f"T-{i}") for i in range(4)] for one in orders]
    batches = [
        lambda t=t, back=back: use_totes(SYSTEM, requests=t[::-1] if back else t)
        for t, back in zip(totes, [False, True] * 4, strict=True)
    ]
    found = [one for batch in at_once(batches) for one in batch]
    assert sum(isinstance(one, ToteUsed) for one in found) == 4
    assert sum(isinstance(one, ToteTaken) for one in found) == 28
    assert all(floor_queries.held_by(node=house.nodes[0], tote=f"T-{i}") for i in range(4))


def test_a_face_is_filled_once_however_many_look_and_carry(committed_db):
    house = a_house()
    house.stock(0, 100, kind="reserve")
    set_pick_faces(SYSTEM, requests=[SetPickFace(COMPANY, house.skus[0], house.bin(), 5, 20)])
    reviews = at_once(
        [lambda: review_faces(SYSTEM, requests=[ReviewFaces(house.nodes[0])]) for _ in range(4)]
    )
    assert sorted(one.made for (one,) in reviews) == [0, 0, 0, 1]
    (task,) = shelf_queries.replenishments(company=COMPANY)
    answers = at_once([lambda: replenish(SYSTEM, requests=[Replenish(task.id)]) for _ in range(4)])
    assert (
        sorted(type(one).__name__ for (one,) in answers) == [Replenished.__name__] + [WrongState.__name__] * 3
    )
