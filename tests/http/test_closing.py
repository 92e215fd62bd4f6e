"""The end of a month in the console."""

from __future__ import annotations

import pytest

from tests.http.test_packing import said

pytestmark = pytest.mark.django_db


def test_the_page_tells_what_is_open_and_refuses_what_has_not_ended(shop, console):
    page = console("books")
    month = f"{shop.now:%Y-%m}"
    shown = page.get(f"/books/closing/?month={month}").content.decode()
    assert "Bookings without a document" in shown
    assert "still open" in said(page.post("/books/closing/close/", {"month": month}))[0]
    assert said(page.post("/books/closing/close/", {"month": "?"})) == ["Choose a month."]
    assert page.get("/books/closing/").status_code == 200
    assert "/books/currencies/?day=2024-02-29" in page.get("/books/closing/?month=2024-02").content.decode()
    report = f"/books/closing/report/?month={month}"
    told = page.get(report).content.decode()
    assert all(
        word in told for word in ("Report of the month", "Income statement", "Balance sheet", "passed")
    )
    rows = page.get(f"{report}&format=csv").content.decode().splitlines()
    assert rows[0] == "part,what,kind,count,stands in the way,debit,credit,amount,currency"
    assert any(one.startswith("account,2150") for one in rows)
    assert page.get(f"{report}&format=xlsx").status_code == 200


def test_closed_months_are_listed_with_their_reports(shop, console):
    from datetime import date

    from entrepot.kernel.policies import SetPolicy, set_policy
    from entrepot.settlement.closing import KINDS, OWN_TASKS, Closing
    from entrepot.settlement.commands.close_books import CloseBooks, close_books
    from tests.asking import a_program
    from tests.floor import COMPANY, SYSTEM
    from tests.shop import a_person

    lax = Closing(**{kind.replace(" ", "_").replace("-", "_"): False for kind in KINDS if kind != OWN_TASKS})
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", lax, SYSTEM.at)])
    close_books(SYSTEM, requests=[CloseBooks(COMPANY, date(2020, 2, 1))])
    page = console("books")
    assert "/books/closing/report/?month=2020-02" in page.get("/books/closing/").content.decode()
    assert "As it was then, by version" in page.get("/books/closing/report/?month=2020-02").content.decode()
    program = a_program(a_person("keeper of books", "controller"))
    (month,) = program.get("/api/v1/closing/months").json()["items"]
    assert (month["month"], month["result_minor"]) == ("2020-02-01", 0)
    told = program.get("/api/v1/closing/report?month=2020-02-15").json()
    assert told["kept"] and {one["state"] for one in told["looked_at"]} == {"passed"}


def test_a_task_of_ones_own_is_ticked_on_the_page_and_by_programs(shop, console):
    from entrepot.kernel import ids
    from entrepot.kernel.policies import SetPolicy, set_policy
    from entrepot.settlement.closing import Closing
    from tests.asking import a_program
    from tests.floor import COMPANY, SYSTEM
    from tests.shop import a_person

    told = Closing(tasks=("Count the cash", "Agree with the bank"))
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", told, SYSTEM.at)])
    page, month = console("books"), f"{shop.now:%Y-%m}"
    address = f"/books/closing/?month={month}"
    shown = page.get(address).content.decode()
    assert shown.count("It is done") == 2
    assert "account=Count" not in shown, "a task is about no account"
    report = page.get(f"/books/closing/report/?month={month}").content.decode()
    assert "Count the cash" in report and "account=Count" not in report
    form = {"month": month, "task": "Count the cash", "note": "412.10"}
    assert said(page.post("/books/closing/tick/", form)) == ["The task is noted."]
    assert "412.10" in page.get(address).content.decode()
    assert "412.10" in page.get(f"/books/closing/report/?month={month}").content.decode()
    assert said(page.post("/books/closing/tick/", form | {"month": ""})) == ["Choose a month."]
    assert "It is done" not in console("auditor").get(address).content.decode()

    program = a_program(a_person("keeper of books", "controller"))
    tasks = program.get(f"/api/v1/closing/tasks?month={month}-05").json()
    assert [(one["task"], bool(one["tick"])) for one in tasks] == [
        ("Count the cash", True), ("Agree with the bank", False),
    ]  # fmt: skip
    body = {
        "year": shop.now.year,
        "month": shop.now.month,
        "task": "Count the cash",
        "note": "of May",
        "done": False,
    }
    done = program.post("/api/v1/closing/tasks", body, again=str(ids.uuid7())).json()
    assert (done["task"], done["done"]) == ("Count the cash", False)
    again = program.post("/api/v1/closing/tasks", body, again=str(ids.uuid7()))
    assert again.status_code == 409
