"""The commands on messages that stand still, and those that take messages again."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from entrepot.kernel import delivery, ids, inbox, queries, relay, sql, worker
from entrepot.kernel.delivery import Message
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.kernel.messages import (
    AsWritten,
    DropMessage,
    Erased,
    KeepUnread,
    MessageNow,
    NotSaid,
    NoWayIn,
    Overtaken,
    ReplayMessage,
    drop_messages,
    keep_unread,
    replay_messages,
)
from entrepot.payments.commands.take_messages import MessageTaken, RetakeMessage, retake_messages
from entrepot.shipping.commands.take_tracking import RetakeTracking, TrackingTaken, retake_tracking
from tests.floor import COMPANY, NOW, SYSTEM
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.stripe import dispute, event


def outgoing(
    n: int = 1, state: str = "dead", destination: str = "post:a", subject=None, body=None
) -> list[str]:
    """Messages out, in a state."""
    made = [
        Message(destination, "topic", subject or ids.uuid7(), COMPANY, body or {"n": i}) for i in range(n)
    ]
    delivery.send(SYSTEM, made)
    rows = sql.run("SELECT id::text FROM kernel_delivery AS one ORDER BY one.id DESC LIMIT %(n)s", {"n": n})
    sql.run(
        "UPDATE kernel_delivery SET state = %(state)s, attempts = 13, last_error = 'away' WHERE id = ANY(%(ids)s)",
        {"state": state, "ids": [int(one) for (one,) in rows]},
    )
    return sorted((one for (one,) in rows), key=int)


def incoming(payloads: list[str], source: str = "easypost", state: str = "dead") -> list[str]:
    """Messages in, in a state."""
    made = [inbox.Incoming(COMPANY, source, str(ids.uuid7()), "kind", one) for one in payloads]
    found = inbox.receive(SYSTEM, made, state)
    return [str(found[one.external_id]) for one in made]


def replay(side, message, reason="it is back", **more):
    return replay_messages(SYSTEM, requests=[ReplayMessage(COMPANY, side, message, reason, **more)])[0]


def drop(side, message, reason="no use", **more):
    return drop_messages(SYSTEM, requests=[DropMessage(COMPANY, side, message, reason, **more)])[0]


def test_a_dead_message_goes_out_again_as_it_was_mended(db):
    (message,) = outgoing()
    assert replay("out", message, content='{"n": 7}') == MessageNow("out", message, "waiting")
    seen: list[str] = []
    assert relay.relay_once({"post": lambda _cause, one: seen.append(one.body)}, at=NOW) == 1
    assert seen == ['{"n": 7}']
    assert isinstance(replay("out", message), WrongState), "it has arrived"
    assert isinstance(drop("out", message), WrongState)
    (told,) = sql.run(
        "SELECT state_before, state_after, payload FROM kernel_event WHERE subject_kind = 'message_out'"
    )
    assert told[:2] == ("dead", "waiting")
    assert '"n"' not in str(told[2]), "what messages say stands in no event"


def test_many_are_mended_alike_and_what_does_not_say_it_is_left_alone(db):
    wrong = outgoing(2, body={"sku": "OLD", "n": "OLD-1"})
    (other,) = outgoing(1, body={"sku": "MUG"})
    asked = [
        ReplayMessage(COMPANY, "out", one, "renamed", replaces='"OLD"', by='"NEW"') for one in [*wrong, other]
    ]
    answers = replay_messages(SYSTEM, requests=asked)
    assert answers == [
        *(MessageNow("out", one, "waiting") for one in wrong), NotSaid(message=other, text='"OLD"'),
    ]  # fmt: skip
    said = queries.contents(COMPANY, "out", [*wrong, other])
    assert said == dict.fromkeys(wrong, '{"n": "OLD-1", "sku": "NEW"}') | {other: '{"sku": "MUG"}'}
    assert isinstance(replay("out", other, replaces='"MUG"', by="{"), Invalid), "what is left is JSON"
    assert isinstance(replay("out", other, content="{}", replaces="MUG", by="CUP"), Invalid)
    (money,) = outgoing(1, destination="payments.stripe", body={"amount": 1})
    for text in ("1", "not there"):
        assert isinstance(replay("out", money, replaces=text, by="2"), AsWritten), (
            "it tells nothing of the content"
        )
    told = sql.run("SELECT payload ->> 'is_edited' FROM kernel_event WHERE subject_kind = 'message_out'")
    assert told == [("true",), ("true",)]


def test_what_came_in_is_mended_alike(db):
    first, second = incoming(['{"sku": "OLD"}', '{"sku": "OLD", "n": 2}'])
    for one in (first, second):
        assert isinstance(replay("in", one, replaces="OLD", by="NEW"), MessageNow)
    assert queries.contents(COMPANY, "in", [first, second]) == {
        first: '{"sku": "NEW"}', second: '{"sku": "NEW", "n": 2}',
    }  # fmt: skip
    assert queries.contents(COMPANY + 1, "in", [first]) == {}


def test_what_is_dropped_is_not_sent_and_says_why(db):
    kept, waiting = outgoing(1, "kept") + outgoing(1, "waiting")
    assert drop("out", kept, "nobody listens") == MessageNow("out", kept, "dropped")
    assert drop("out", waiting) == MessageNow("out", waiting, "dropped")
    assert relay.relay_once({"post": lambda _cause, _one: None}, at=NOW) == 0
    found = queries.message(COMPANY, "out", kept)
    assert found is not None and (found[0].state, found[0].error) == ("dropped", "nobody listens")
    assert isinstance(replay("out", kept), WrongState), "dropped is dropped"
    assert queries.standing(COMPANY) == []


def test_refusals_leave_the_message_as_it_was(db):
    (message,) = outgoing()
    (money,) = outgoing(destination="payments.stripe")
    (erased,) = outgoing(body={})
    (row,) = incoming(["1;2;3"], source="online-retail", state="set_aside")
    assert isinstance(replay("out", message, " "), Invalid)
    assert isinstance(replay("out", message, content="{"), Invalid)
    assert isinstance(replay("out", message, content="x" * 1_000_001), Invalid)
    assert isinstance(replay("out", "12x"), NotFound)
    assert isinstance(replay("out", "9" * 30), NotFound)
    assert isinstance(replay("in", message), NotFound)
    assert isinstance(replay("in", str(ids.uuid7())), NotFound)
    assert isinstance(
        replay_messages(SYSTEM, requests=[ReplayMessage(2, "out", message, "why")])[0], NotFound
    )
    assert isinstance(replay("out", money, content='{"amount": 1}'), AsWritten)
    assert isinstance(replay("in", row), NoWayIn)
    assert drop("in", row) == MessageNow("in", row, "dropped")
    sql.run("UPDATE kernel_delivery SET body = '{}' WHERE id = %(id)s", {"id": int(erased)})
    assert isinstance(replay("out", erased), Erased)
    assert {one.size for one in queries.standing(COMPANY) if one.state == "dead"} == {2, 1}


def test_what_was_overtaken_goes_only_out_of_its_order_if_somebody_says_so(db):
    subject = ids.uuid7()
    (first,) = outgoing(subject=subject)
    outgoing(1, "delivered", subject=subject)
    assert isinstance(replay("out", first), Overtaken)
    assert replay("out", first, anyway=True) == MessageNow("out", first, "waiting")


def test_the_same_key_gets_the_same_answer_and_one_message_is_not_replayed_twice_in_a_batch(db):
    (message,) = outgoing()
    once = replay("out", message, key="k")
    assert replay("out", message, key="k") == once
    assert isinstance(replay("out", message, "another", key="k"), RequestReused)
    (other,) = outgoing()
    twice = drop_messages(
        SYSTEM, requests=[DropMessage(COMPANY, "out", other, "a"), DropMessage(COMPANY, "out", other, "b")]
    )
    assert [type(one) for one in twice] == [MessageNow, WrongState]
    assert drop("in", *incoming(["{}"]), key="d") == drop_messages(
        SYSTEM, requests=[DropMessage(COMPANY, "in", sql.run("SELECT id::text FROM kernel_inbox")[0][0], "no use", "d")]
    )[0]  # fmt: skip


def test_what_could_not_be_read_is_kept_once_mended_and_taken_by_the_room_of_its_source(db):
    unread = KeepUnread(COMPANY, "easypost", "{", "no JSON")
    (kept,) = keep_unread(SYSTEM, requests=[unread])
    assert keep_unread(SYSTEM, requests=[unread, unread]) == [kept, kept]
    assert (kept.side, kept.state) == ("in", "dead")

    replay("in", kept.message, content="still no JSON")
    assert worker.serve_once(worker.queues()) == 1
    found = queries.message(COMPANY, "in", kept.message)
    assert found is not None and (found[0].state, found[1]) == ("dead", "still no JSON")

    replay("in", kept.message, content=a_message("1Z-NOBODYS", detail("delivered")))
    worker.serve_once(worker.queues())
    found = queries.message(COMPANY, "in", kept.message)
    assert found is not None and (found[0].state, found[0].error) == ("set_aside", "about no parcel of ours")


def test_a_message_of_stripe_is_taken_again(db):
    (message,) = incoming(
        [event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_x", 100))], "stripe", "set_aside"
    )
    (broken,) = incoming(["{"], "stripe")
    assert isinstance(replay("in", message, content='{"won": true}'), AsWritten)
    replay("in", message), replay("in", broken)
    asked = [RetakeMessage(ids.uuid7()), *(RetakeMessage(queries_id) for queries_id in _waiting())]
    answers = retake_messages(SYSTEM, requests=asked)
    assert isinstance(answers[0], NotFound)
    assert {str(one) for one in answers[1:]} == {str(MessageTaken("nothing")), str(MessageTaken("unread"))}
    assert dict(sql.run("SELECT id::text, state FROM kernel_inbox")) == {message: "done", broken: "dead"}
    assert isinstance(retake_messages(SYSTEM, requests=asked[1:])[0], NotFound), "it is done with"


def _waiting():
    return [one for (one,) in sql.run("SELECT id FROM kernel_inbox WHERE state = 'received' ORDER BY id")]


@pytest.mark.counts("kernel.replay_messages", "kernel.drop_messages", "kernel.keep_unread")
def test_statements_do_not_grow_with_the_batch(db, statements):
    with statements():
        for n in SIZES:
            requests = [ReplayMessage(COMPANY, "out", one, "why") for one in outgoing(n)]
            requests += [ReplayMessage(COMPANY, "in", one, "why") for one in incoming(["{ }"] * n)][: n // 2]
            assert {type(one) for one in replay_messages(SYSTEM, requests=requests[:n])} == {MessageNow}
            drops = [DropMessage(COMPANY, "out", one, "why") for one in outgoing(n)]
            assert {type(one) for one in drop_messages(SYSTEM, requests=drops)} == {MessageNow}
            unread = [KeepUnread(COMPANY, "easypost", f"{n} {i}", "no JSON") for i in range(n)]
            assert len(keep_unread(SYSTEM, requests=unread)) == n


@pytest.mark.counts("shipping.retake_tracking", "payments.retake_messages")
def test_statements_of_taking_again_do_not_grow(db, statements):
    with statements():
        for n in SIZES:
            for source, text in (
                ("easypost", a_message("1Z-NOBODYS", detail("delivered"))),
                ("stripe", None),
            ):
                said = [text or event(f"evt_{n}_{i}", "customer.created", {"id": "cus"}) for i in range(n)]
                incoming(said, source, "received")
            easypost = [RetakeTracking(one) for one in _of("easypost")]
            assert retake_tracking(SYSTEM, requests=easypost) == [TrackingTaken("set_aside")] * n
            stripe = [RetakeMessage(one) for one in _of("stripe")]
            assert retake_messages(SYSTEM, requests=stripe) == [MessageTaken("nothing")] * n


def _of(source):
    return [one for (one,) in sql.run(
        "SELECT id FROM kernel_inbox WHERE state = 'received' AND source = %(source)s", {"source": source}
    )]  # fmt: skip


def test_a_race_has_one_winner(committed_db):
    (message,) = outgoing()
    answers: list[object] = []

    def give() -> None:
        answers.append(drop("out", message))
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(type(one).__name__ for one in answers) == [
        "MessageNow",
        "WrongState",
        "WrongState",
        "WrongState",
    ]
