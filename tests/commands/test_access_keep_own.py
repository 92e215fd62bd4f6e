"""What everybody keeps of their own access: password and second factor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User

from entrepot.access import factors, queries
from entrepot.access.commands.keep_own import (
    ChangePassword,
    ConfirmFactor,
    OfferFactor,
    OwnKept,
    RemoveFactor,
    ResetFactor,
    UseFactor,
    change_passwords,
    confirm_factors,
    offer_factors,
    remove_factors,
    reset_factors,
    use_factors,
)
from entrepot.access.errors import FactorStands, NoFactor, OwnRights, WrongCode
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from tests.sizes import SIZES
from tests.together import at_once

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
SECRET = factors.fresh()
PAPERS = factors.on_paper()


def by(name: str, at: datetime = NOW) -> Cause:
    return Cause(Actor(name, everything=True), at)


def code(at: datetime = NOW, secret: str = SECRET) -> str:
    return factors.code_of(secret, factors.step_of(at))


def wrong(at: datetime = NOW) -> str:
    near = {code(at + timedelta(seconds=30 * one)) for one in (-1, 0, 1)}
    return next(text for text in ("000000", "000001", "000002", "000003") if text not in near)


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", password="correct horse")


def with_factor(person: User, at: datetime = NOW) -> None:
    offer_factors(by(person.username, at), requests=[OfferFactor(person.username, SECRET)])
    (answer,) = confirm_factors(
        by(person.username, at), requests=[ConfirmFactor(person.username, code(at), PAPERS)]
    )
    assert answer == OwnKept(person.username)


def test_a_password_is_changed(ada: User):
    assert change_passwords(by("ada"), requests=[ChangePassword("ada", "hash")]) == [OwnKept("ada")]
    ada.refresh_from_db()
    assert ada.password == "hash" and not check_password("correct horse", ada.password)
    assert change_passwords(by("ada"), requests=[ChangePassword("eve", "h")]) == [
        NotFound(what="person", which="eve")
    ]
    ((payload,),) = sql.run("SELECT payload FROM kernel_event WHERE subject_kind = 'person'")
    assert payload == {"password": "changed"}


def test_a_factor_counts_once_a_code_shows_that_the_phone_has_it(ada: User):
    offer_factors(by("ada"), requests=[OfferFactor("ada", SECRET)])
    offered = queries.factor(ada.pk)
    assert offered is not None and (offered.confirmed_at, offered.secret) == (None, SECRET)
    assert isinstance(use_factors(by("door"), requests=[UseFactor("ada", code())])[0], NoFactor)
    assert isinstance(
        confirm_factors(by("ada"), requests=[ConfirmFactor("ada", wrong(), PAPERS)])[0], WrongCode
    )
    with_factor(ada)
    found = queries.factor(ada.pk)
    assert found is not None and (found.confirmed_at, found.secret, found.papers) == (NOW, "", 10)
    assert isinstance(offer_factors(by("ada"), requests=[OfferFactor("ada", SECRET)])[0], FactorStands)
    assert isinstance(
        confirm_factors(by("ada"), requests=[ConfirmFactor("ada", code(), PAPERS)])[0], FactorStands
    )


def test_a_code_opens_once_and_so_does_one_on_paper(ada: User):
    with_factor(ada)
    later = NOW + timedelta(minutes=1)

    def used(text: str, at: datetime = later):
        return use_factors(by("door", at), requests=[UseFactor("ada", text)])[0]

    assert isinstance(used(code(NOW), NOW), WrongCode), "the code that confirmed it is used up"
    assert isinstance(used(wrong(later)), WrongCode)
    assert used(code(later)) == OwnKept("ada")
    assert isinstance(used(code(later)), WrongCode)
    assert used(PAPERS[0].upper()) == OwnKept("ada")
    assert isinstance(used(PAPERS[0]), WrongCode)
    found = queries.factor(ada.pk)
    assert found is not None and found.papers == 9
    one, two = use_factors(by("door", later), requests=[UseFactor("ada", PAPERS[1])] * 2)
    assert (one, type(two)) == (OwnKept("ada"), WrongCode)


def test_it_is_removed_by_a_code_or_reset_by_somebody_else(ada: User):
    with_factor(ada)
    assert isinstance(remove_factors(by("ada"), requests=[RemoveFactor("ada", wrong())])[0], WrongCode)
    assert remove_factors(by("ada"), requests=[RemoveFactor("ada", PAPERS[3])]) == [OwnKept("ada")]
    assert queries.factor(ada.pk) is None
    assert isinstance(remove_factors(by("ada"), requests=[RemoveFactor("ada", PAPERS[4])])[0], NoFactor)
    with_factor(ada, NOW + timedelta(minutes=5))
    assert isinstance(reset_factors(by("ada"), requests=[ResetFactor("ada")])[0], OwnRights)
    assert reset_factors(by("root"), requests=[ResetFactor("ada")]) == [OwnKept("ada")]
    assert isinstance(reset_factors(by("root"), requests=[ResetFactor("ada")])[0], NoFactor)
    assert sql.run("SELECT count(*) FROM access_papercode") == [(0,)]


def test_refusals(ada: User):
    assert isinstance(offer_factors(by("ada"), requests=[OfferFactor("ada", "short")])[0], Invalid)
    assert isinstance(confirm_factors(by("ada"), requests=[ConfirmFactor("ada", "1", ())])[0], NoFactor)
    for command, request in (
        (offer_factors, OfferFactor("eve", SECRET)), (confirm_factors, ConfirmFactor("eve", "1", ())),
        (use_factors, UseFactor("eve", "1")), (remove_factors, RemoveFactor("eve", "1")),
        (reset_factors, ResetFactor("eve")),
    ):  # fmt: skip
        assert isinstance(command(by("root"), requests=[request])[0], NotFound)
        assert isinstance(command(Cause(Actor("eve"), NOW), requests=[request])[0], NotPermitted)
    ada.is_active = False
    ada.save()
    assert isinstance(use_factors(by("door"), requests=[UseFactor("ada", code())])[0], NotFound)


def test_secrets_and_codes_stand_nowhere_in_the_open(ada: User):
    with_factor(ada)
    for table in ("access_factor", "access_papercode", "kernel_event", "kernel_request"):
        rows = "".join(row[0] for row in sql.run(f"SELECT {table}::text FROM {table}"))
        assert SECRET not in rows and PAPERS[0] not in rows


def test_a_key_of_the_request_gets_its_answer_again(ada: User):
    with_factor(ada)
    request = UseFactor("ada", PAPERS[0], key="once")
    assert use_factors(by("door"), requests=[request]) == use_factors(by("door"), requests=[request])


def test_of_two_who_say_the_same_code_at_once_one_comes_in(committed_db):
    with_factor(User.objects.create_user("ada", password="correct horse"))
    later = NOW + timedelta(minutes=2)
    answers = at_once([lambda: use_factors(by("door", later), requests=[UseFactor("ada", code(later))])] * 4)
    assert sum(isinstance(one[0], OwnKept) for one in answers) == 1


@pytest.mark.counts(
    "access.change_passwords", "access.offer_factors", "access.confirm_factors", "access.use_factors",
    "access.remove_factors", "access.reset_factors",
)  # fmt: skip
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(db, statements, count: int):
    names = [f"p{i}" for i in range(count)]
    User.objects.bulk_create(User(username=name, password="x") for name in names)
    later = NOW + timedelta(minutes=5)
    counts = []
    for command, at, requests in (
        (change_passwords, NOW, [ChangePassword(name, "y") for name in names]),
        (offer_factors, NOW, [OfferFactor(name, SECRET) for name in names]),
        (confirm_factors, NOW, [ConfirmFactor(name, code(), PAPERS[:2]) for name in names]),
        (use_factors, later, [UseFactor(name, code(later)) for name in names]),
        (remove_factors, later, [RemoveFactor(name, PAPERS[0]) for name in names]),
        (offer_factors, later, [OfferFactor(name, SECRET) for name in names]),
        (reset_factors, later, [ResetFactor(name) for name in names]),
    ):
        with statements() as ran:
            answers = command(by("root", at), requests=requests)
        assert answers == [OwnKept(name) for name in names]
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [4, 3, 5, 3, 6, 3, 5], f"{counts}"
