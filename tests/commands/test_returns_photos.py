"""returns.add_return_photos"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.returns import errors, inspection_queries, photos
from entrepot.returns.commands.add_photos import PhotoAdded
from entrepot.returns.commands.add_return_photos import AddReturnPhoto, add_return_photos
from entrepot.returns.commands.forget_photos import ForgetPhotos, PhotosForgotten, forget_photos
from tests.back import asked_all, came_all, sold
from tests.floor import COMPANY, SYSTEM, Floor
from tests.rules.test_returns_photos import jpeg, png
from tests.sizes import SIZES
from tests.together import at_once
from tests.walk import a_house


@pytest.fixture
def house(db: None) -> Floor:
    made = a_house()
    made.stock(0, 100)
    return made


def a_return(house: Floor):
    return asked_all(sold(house, 1, (0, 1)), 1)[0].return_id


def add(*requests: AddReturnPhoto):
    return add_return_photos(SYSTEM, requests=list(requests))


def test_photos_stand_with_their_return_each_once(house: Floor):
    which = a_return(house)
    first, second, again, none, unknown = add(
        AddReturnPhoto(which, png()), AddReturnPhoto(which, jpeg()), AddReturnPhoto(which, png()),
        AddReturnPhoto(which, b"<svg/>"), AddReturnPhoto(ids.uuid7(), png()),
    )  # fmt: skip
    assert isinstance(first, PhotoAdded) and first == again != second
    assert isinstance(none, Invalid) and isinstance(unknown, NotFound)
    assert set(inspection_queries.photos_of_customer(which)) == {first.photo, second.photo}
    assert add(AddReturnPhoto(which, png(), key="k")) == add(AddReturnPhoto(which, png(), key="k")) == [first]
    assert isinstance(add(AddReturnPhoto(which, jpeg(), key="k"))[0], RequestReused)


def test_there_are_so_many_at_most_and_none_once_the_goods_are_here(house: Floor):
    which = a_return(house)
    wanted = [AddReturnPhoto(which, png(1, n)) for n in range(1, photos.OF_CUSTOMER_MAX + 2)]
    answers = add(*wanted, wanted[0])
    assert answers[-2] == errors.TooManyPhotos(most=photos.OF_CUSTOMER_MAX)
    assert answers[-1] == answers[0], "what is there may be sent again"
    came = came_all(asked_all(sold(house, 1, (0, 1)), 1))
    assert came
    here = sql.run("SELECT id FROM returns_return WHERE state = 'received'")[0][0]
    assert isinstance(add(AddReturnPhoto(here, png()))[0], WrongState)


def test_what_a_customer_showed_is_gone_with_the_person_and_its_digest_stays(house: Floor):
    mine, other = a_return(house), a_return(house)
    own, shared = add(AddReturnPhoto(mine, png(1, 2)), AddReturnPhoto(mine, png(3, 4)))
    add(AddReturnPhoto(other, png(3, 4)))
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": mine})[0]

    assert forget_photos(SYSTEM, requests=[ForgetPhotos(COMPANY, (order,))]) == [PhotosForgotten(COMPANY, 1)]
    assert forget_photos(SYSTEM, requests=[ForgetPhotos(COMPANY, (order,))]) == [PhotosForgotten(COMPANY, 0)]

    assert inspection_queries.photo(own.photo, company=COMPANY) is None
    assert inspection_queries.photos_of_customer(mine) == [shared.photo]
    assert inspection_queries.photo(shared.photo, company=COMPANY).content == png(3, 4)
    assert sql.run("SELECT digest FROM returns_photo WHERE id = %(id)s", {"id": own.photo}) == [(own.digest,)]
    assert add(AddReturnPhoto(other, png(1, 2))) == [own]
    assert inspection_queries.photo(own.photo, company=COMPANY).content == png(1, 2)


@pytest.mark.counts("returns.forget_photos")
def test_statements_of_forgetting_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        with statements() as ran:
            forget_photos(SYSTEM, requests=[ForgetPhotos(COMPANY, (ids.uuid7(),)) for _ in range(size)])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [2] * 3


@pytest.mark.counts("returns.add_return_photos")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    which = a_return(house)
    with statements():
        for n in SIZES:
            add(*[AddReturnPhoto(which, png(1, 1 + i % photos.OF_CUSTOMER_MAX)) for i in range(n)])


def test_two_taps_at_once_keep_a_photo_once(committed_db):
    made = a_house()
    made.stock(0, 10)
    which = a_return(made)
    wanted = [AddReturnPhoto(which, png(1, n)) for n in range(1, photos.OF_CUSTOMER_MAX + 2)]
    answers = at_once([lambda: add(*wanted)] * 2)
    assert answers[0] == answers[1]
    assert len(inspection_queries.photos_of_customer(which)) == photos.OF_CUSTOMER_MAX


def test_of_a_file_that_is_something_else_as_well_the_picture_alone_is_kept(house: Floor):
    """The same photo with and without what a telephone, or somebody with intentions, puts behind it is one."""
    one = a_return(house)
    files = (jpeg(), jpeg() + b"SEFT", jpeg() + b"<script>alert(1)</script>")
    first, *others = add(*[AddReturnPhoto(one, file) for file in files])
    assert others == [first] * 2
    assert sql.run("SELECT content FROM returns_photocontent") == [(jpeg(),)]
