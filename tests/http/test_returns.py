"""The contract of the API of returns: the whole way, duties, keys, and what is refused."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from tests.back import lines_of, policy, sold
from tests.floor import Floor
from tests.http.test_api import is_problem
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("in_november")

RETURNS, REFUNDS = "/api/v1/returns", "/api/v1/refunds"
AFTER_HALF_A_YEAR = datetime(2027, 6, 1, tzinfo=UTC).isoformat()


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


@pytest.fixture
def call(house: Floor):
    """Programs of people by name, each with the permissions of its role."""
    from tests.asking import a_program
    from tests.shop import everybody

    people = everybody()
    return lambda name: a_program(people[name])


def fresh() -> str:
    """A key that nobody used."""
    return str(ids.uuid7())


def asked(call: Any, order: UUID, units: int = 2, **facts: Any) -> dict[str, Any]:
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": units}], **facts}
    response = call("service").post(RETURNS, body, again=fresh())
    assert response.status_code == 201, response.content
    return response.json()


def came(call: Any, one: dict[str, Any], units: int = 2, who: str = "supervisor") -> str:
    body = {"return_id": one["return_id"], "line": one["lines"][0], "quantity": units}
    response = call(who).post(f"{RETURNS}/receive", body, again=fresh())
    assert response.status_code == 200, response.content
    return response.json()["receipt"]


def waiting(call: Any, order: UUID, **who: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A return of two units, and its refund that waits for another person."""
    one = asked(call, order)
    receipt = came(call, one, **who)
    inspector = call("inspector")
    body = {"receipt": receipt, "quantity": 2, "grade": "A"}
    found = inspector.post(f"{RETURNS}/inspect", body, again=fresh()).json()
    body = {"inspection": found["inspection"], "quantity": 2}
    inspector.post(f"{RETURNS}/dispose", body, again=fresh())
    refund = call("service").post(f"{RETURNS}/refund", {"return_id": one["return_id"]}, again=fresh()).json()
    assert refund["state"] == "waiting"
    return one, refund


def test_the_whole_way_of_a_return(house: Floor, call) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    left = call("service").get(f"/api/v1/orders/{order}/returnable").json()
    assert [(one["sku_code"], one["left"]) for one in left] == [("SKU-000", 2)]

    one = asked(call, order)
    came = call("supervisor").post(
        f"{RETURNS}/receive", {"return_id": one["return_id"], "line": one["lines"][0], "quantity": 2}
    )
    found = call("inspector").post(
        f"{RETURNS}/inspect",
        {"receipt": came.json()["receipt"], "quantity": 2, "grade": "B", "codes": ["opened", "no_box"]},
    )
    assert found.json()["proposed"] == "second_grade"
    done = call("inspector").post(
        f"{RETURNS}/dispose", {"inspection": found.json()["inspection"], "quantity": 2}
    )
    assert done.json()["disposition"] == "second_grade"
    refund = call("service").post(f"{RETURNS}/refund", {"return_id": one["return_id"]}).json()
    assert (refund["state"], refund["total_minor"]) == ("waiting", 1998)
    waiting = call("auditor").get(f"{REFUNDS}?state=waiting").json()["items"]
    assert [row["number"] for row in waiting] == [refund["number"]]

    agreed = call("books").post(f"{REFUNDS}/approve", {"refund": refund["refund"], "agree": True})

    assert agreed.json()["state"] == "paid"
    whole = call("auditor").get(f"{RETURNS}/{one['return_id']}").json()
    assert whole["state"] == "closed"
    assert whole["duties"] == [
        {"side": "request", "person": "service"},
        {"side": "receive", "person": "supervisor"},
        {"side": "approve", "person": "books"},
    ]
    assert [row["grade"] for row in whole["inspections"]] == ["B"]
    assert [row["total_minor"] for row in whole["refunds"]] == [1998]
    listed = call("auditor").get(f"{RETURNS}?state=closed&order={order}").json()
    assert [row["number"] for row in listed["items"]] == [one["number"]]


def test_the_same_key_gets_the_first_answer_and_other_content_is_refused(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": 1}]}
    service = call("service")

    first = service.post(RETURNS, body, again="k")

    assert service.post(RETURNS, body, again="k").json() == first.json()
    body["items"][0]["quantity"] = 2
    is_problem(service.post(RETURNS, body, again="k"), 422, "kernel.request_reused")
    assert sql.run("SELECT count(*)::int FROM returns_return") == [(1,)]


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        ("service", f"{RETURNS}/review", {"return_id": "", "accept": True}),
        ("supervisor", f"{RETURNS}/receive", {"return_id": "", "line": "", "quantity": 1}),
        ("service", f"{RETURNS}/refund", {"return_id": "", "lines": [{"line": "", "quantity": 1}]}),
        ("service", f"{RETURNS}/close", {"return_id": "", "reason": "It never came."}),
    ],
)
def test_each_step_is_done_once_for_a_key(
    house: Floor, call, who: str, path: str, body: dict[str, Any]
) -> None:
    (order,) = sold(house, 1, (0, 2))
    late = {"occurred_at": AFTER_HALF_A_YEAR} if path.endswith("review") else {}
    one = asked(call, order, **late)
    sent = {name: one["return_id"] if name == "return_id" else value for name, value in body.items()}
    if "line" in sent:
        sent["line"] = one["lines"][0]
    if "lines" in sent:
        sent["lines"] = [{"line": one["lines"][0], "quantity": 1}]
    caller = call(who)

    first = caller.post(path, sent, again="k")
    assert first.status_code == 200, first.content
    before = sql.run("SELECT count(*) FROM kernel_event")

    assert caller.post(path, sent, again="k").json() == first.json()
    assert sql.run("SELECT count(*) FROM kernel_event") == before
    is_problem(caller.post(path, sent, again=None), 422, "http.422")


def test_a_late_return_is_decided_by_a_person(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 3))
    taken, declined = (asked(call, order, 1, occurred_at=AFTER_HALF_A_YEAR) for _ in range(2))
    assert taken["state"] == declined["state"] == "requested"
    service, path = call("service"), f"{RETURNS}/review"

    is_problem(
        service.post(path, {"return_id": declined["return_id"], "accept": False}, again="a"),
        422,
        "returns.reason_needed",
    )
    answers = service.post(
        path,
        [
            {"return_id": taken["return_id"], "accept": True},
            {"return_id": declined["return_id"], "accept": False, "reason": "After half a year."},
        ],
        again="b",
    ).json()
    assert [one["state"] for one in answers] == ["authorized", "declined"]
    is_problem(
        service.post(path, {"return_id": taken["return_id"], "accept": True}, again="c"),
        409,
        "kernel.wrong_state",
    )
    insisted = asked(call, order, 1, occurred_at=AFTER_HALF_A_YEAR, insist="A customer of many years.")
    assert insisted["state"] == "authorized"


def test_a_return_of_which_nothing_came_is_closed(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    one, other = asked(call, order, 1), asked(call, order, 1)
    came(call, other, 1)

    body = {"return_id": one["return_id"], "reason": "The customer keeps it."}
    assert call("service").post(f"{RETURNS}/close", body, again="a").json()["state"] == "cancelled"

    body = {"return_id": other["return_id"], "reason": "No."}
    is_problem(call("service").post(f"{RETURNS}/close", body, again="b"), 409, "returns.not_done")


def test_other_dispositions_and_adjustments_need_a_reason(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    one = asked(call, order)
    receipt, inspector = came(call, one), call("inspector")
    found = inspector.post(f"{RETURNS}/inspect", {"receipt": receipt, "quantity": 2, "grade": "A"}).json()
    other = {"inspection": found["inspection"], "quantity": 1, "disposition": "liquidate"}
    is_problem(inspector.post(f"{RETURNS}/dispose", other, again="a"), 403, "kernel.not_permitted")
    supervisor = call("supervisor")
    is_problem(supervisor.post(f"{RETURNS}/dispose", other, again="a"), 422, "returns.reason_needed")
    done = supervisor.post(f"{RETURNS}/dispose", {**other, "reason": "The last of its color."}, again="b")
    assert done.json()["disposition"] == "liquidate"

    less = {
        "return_id": one["return_id"],
        "lines": [{"line": one["lines"][0], "quantity": 1}],
        "adjustment_minor": -99,
    }
    service = call("service")
    is_problem(service.post(f"{RETURNS}/refund", less, again="c"), 422, "returns.reason_needed")
    paid = service.post(f"{RETURNS}/refund", {**less, "adjustment_reason": "A strap is missing."}, again="d")
    assert (paid.json()["state"], paid.json()["total_minor"]) == ("paid", 900)
    (row,) = call("auditor").get(REFUNDS).json()["items"]
    assert (row["goods_minor"], row["adjustment_minor"], row["total_minor"]) == (999, -99, 900)


def test_a_rejected_refund_needs_a_reason_and_frees_its_units(house: Floor, call) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    one, refund = waiting(call, order)
    books, body = call("books"), {"refund": refund["refund"], "agree": False}

    is_problem(books.post(f"{REFUNDS}/approve", body, again="a"), 422, "returns.reason_needed")
    told = books.post(f"{REFUNDS}/approve", {**body, "reason": "Show me the photo."}, again="b").json()

    assert told["state"] == "rejected"
    assert (
        books.post(f"{REFUNDS}/approve", {**body, "reason": "Show me the photo."}, again="b").json() == told
    )
    again = call("service").post(f"{RETURNS}/refund", {"return_id": one["return_id"]}, again="c").json()
    assert again["total_minor"] == refund["total_minor"]


def test_whoever_asked_does_not_receive(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    lead = call("root")
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": 1}]}
    one = lead.post(RETURNS, body).json()

    refused = lead.post(
        f"{RETURNS}/receive", {"return_id": one["return_id"], "line": one["lines"][0], "quantity": 1}
    )

    is_problem(refused, 403, "access.duties_apart")
    assert sql.run("SELECT count(*)::int FROM returns_receipt") == [(0,)]


def test_whoever_received_does_not_approve(house: Floor, call) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    _one, refund = waiting(call, order, who="root")

    refused = call("root").post(f"{REFUNDS}/approve", {"refund": refund["refund"], "agree": True})

    is_problem(refused, 403, "access.duties_apart")
    assert sql.run("SELECT state FROM returns_refund") == [("waiting",)]


def test_lists_are_read_page_by_page(house: Floor, call) -> None:
    policy(approve_above_minor=0)
    orders = sold(house, 3, (0, 2))
    numbers = [waiting(call, order)[0]["number"] for order in orders]
    auditor = call("auditor")
    for path, name in ((RETURNS, "number"), (REFUNDS, "return_number")):
        seen, after = [], ""
        while True:
            page = auditor.get(f"{path}?limit=2{after}").json()
            seen += [row[name] for row in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == numbers[::-1], path
    found = auditor.get(f"{RETURNS}?q={numbers[1]}").json()["items"]
    assert [row["number"] for row in found] == [numbers[1]]


def test_examples_of_the_document_are_what_it_takes() -> None:
    from entrepot.web.api import return_schemas as schemas

    kinds = [
        one for name, one in vars(schemas).items() if name.endswith("In") and "model_config" in vars(one)
    ]
    told = [one for one in kinds if one.model_config.get("json_schema_extra")]
    assert len(told) == 18
    for kind in told:
        assert kind.model_config["extra"] == "forbid"
        for example in kind.model_config["json_schema_extra"]["examples"]:
            kind.model_validate(example)


def test_a_list_has_an_answer_for_each(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    line = str(lines_of(order)[0])
    items = [{"order": str(order), "items": [{"line": line, "quantity": n}]} for n in (1, 5, 1)]

    response = call("service").post(RETURNS, items)

    assert response.status_code == 200
    assert [one.get("code", one.get("state")) for one in response.json()] == [
        "authorized",
        "returns.more_than_sold",
        "authorized",
    ]


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        (
            "auditor",
            f"{RETURNS}/receive",
            {"return_id": str(ids.uuid7()), "line": str(ids.uuid7()), "quantity": 1},
        ),
        ("service", f"{REFUNDS}/approve", {"refund": str(ids.uuid7()), "agree": True}),
        (
            "supervisor",
            RETURNS,
            {"order": str(ids.uuid7()), "items": [{"line": str(ids.uuid7()), "quantity": 1}]},
        ),
    ],
)
def test_without_the_role_it_is_forbidden(
    house: Floor, call, who: str, path: str, body: dict[str, Any]
) -> None:
    is_problem(call(who).post(path, body), 403, "kernel.not_permitted")


def test_what_there_is_not_is_said(house: Floor, call) -> None:
    nothing = str(ids.uuid7())
    is_problem(call("auditor").get(f"{RETURNS}/{nothing}"), 404, "kernel.not_found")
    is_problem(call("auditor").get(f"/api/v1/orders/{nothing}/returnable"), 404, "kernel.not_found")
    is_problem(
        call("service").post(f"{RETURNS}/close", {"return_id": nothing, "reason": "never came"}),
        404,
        "kernel.not_found",
    )


def test_what_would_be_answered_and_why_customers_may_send_things_back(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    (line,) = lines_of(order)
    body = {"order": str(order), "items": [{"line": str(line), "quantity": 1, "reason": "amazon:DEFECTIVE"}]}
    answer = call("service").post(f"{RETURNS}/consider", body).json()
    assert (answer["state"], answer["terms"][0]["label"]) == ("authorized", True)
    refused = call("service").post(f"{RETURNS}/consider", body | {"asked": "keep"})
    is_problem(refused, 409, "returns.not_offered")
    assert call("service").get(RETURNS).json()["items"] == []
    reasons = call("service").get(f"{RETURNS}/reasons").json()
    assert {"code": "color_differs", "says": "has another color than shown", "group": "content", "x12": "CV",
            "shopify": "COLOR", "amazon": "NOT_AS_DESCRIBED", "shopify_handle": "color"} in reasons  # fmt: skip


def test_a_parcel_is_announced_opened_and_what_is_strange_in_it_explained(house: Floor, call) -> None:
    one = asked(call, sold(house, 1, (0, 2))[0])
    service, supervisor = call("service"), call("supervisor")
    body = {"return_id": one["return_id"], "tracking": "JD 1"}
    assert service.post(f"{RETURNS}/parcels", body, again=fresh()).json()["tracking"] == "JD1"

    content = [{"said": "SKU-000", "quantity": 2}, {"said": "a sock", "quantity": 1}]
    body = {"node": str(house.nodes[0]), "tracking": "JD1", "content": content}
    answer = supervisor.post(f"{RETURNS}/parcels/receive", body, again=fresh()).json()
    assert (answer["received"], answer["missing"], answer["returns"]) == (2, 0, [one["return_id"]])
    (stray,) = supervisor.get(f"{RETURNS}/strays").json()
    assert (stray["id"], stray["said"], stray["why"]) == (answer["strays"][0], "a sock", "unknown")

    body = {"stray": stray["id"], "outcome": "sent_back", "reason": "It is a neighbor's."}
    assert service.post(f"{RETURNS}/strays/decide", body, again=fresh()).json()["outcome"] == "sent_back"
    assert supervisor.get(f"{RETURNS}/strays").json() == []
    is_problem(supervisor.post(f"{RETURNS}/strays/decide", body, again=fresh()), 403, "kernel.not_permitted")


def test_a_label_is_made_read_and_voided(house: Floor, call) -> None:
    order = sold(house, 1, (0, 2))[0]
    items = [{"line": str(lines_of(order)[0]), "quantity": 2, "reason": "defective"}]
    one = asked(call, order, items=items)
    service, which = call("service"), one["return_id"]
    assert service.get(f"{RETURNS}/{which}/labels").json() == []
    body = {"return_id": which}
    made = service.post(f"{RETURNS}/labels", body, again=fresh()).json()
    assert (made["tracking"], made["service"], made["cost_minor"], made["fresh"]) == (
        one["number"], "slow", 300, True,
    )  # fmt: skip
    assert service.post(f"{RETURNS}/labels", body, again=fresh()).json()["fresh"] is False
    (shown,) = service.get(f"{RETURNS}/{which}/labels").json()
    assert shown["label"] == made["label"]
    assert b64decode(shown["pdf"]).startswith(b"%PDF-")
    is_problem(call("supervisor").get(f"{RETURNS}/{which}/labels"), 403, "kernel.not_permitted")
    refused = call("supervisor").post(f"{RETURNS}/labels", body, again=fresh())
    is_problem(refused, 403, "kernel.not_permitted")
    gone = service.post(f"{RETURNS}/labels/void", body | {"reason": "lost"}, again=fresh()).json()
    assert gone == {"return_id": which, "label": made["label"]}
    assert service.get(f"{RETURNS}/{which}/labels").json() == []
