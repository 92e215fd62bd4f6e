"""What each role may do, and where people get mail."""

from __future__ import annotations

import pytest
from django.urls import reverse

from entrepot.access import queries
from entrepot.access.rules import EVERYBODY, ROLES
from entrepot.web import words
from entrepot.web.views.roles import ROOMS, by_room

pytestmark = pytest.mark.django_db


def test_every_command_of_a_role_is_told_in_words_under_its_room(shop, console):
    page = console("auditor").get(reverse("roles")).content.decode()
    for commands in ROLES.values():
        assert {one.partition(".")[0] for one in commands} <= ROOMS.keys()
        assert sum(len(found) for _, found in by_room(commands)) == len(set(commands))
        for one in set(commands) - set(EVERYBODY):
            assert f'title="{one}"' in page
    assert sorted(one for commands in ROLES.values() for one in commands if one not in words.WORDS) == []
    assert "Reads everything, and changes nothing." in page and "note written" in page.lower()
    people = console("root").get(reverse("people")).content.decode()
    assert f'href="{reverse("roles")}"' in people


def test_an_administrator_changes_an_address_of_mail_and_nobody_else(shop, console):
    (which,) = [one.id for one in queries.known() if one.name == "lead"]
    at, form = reverse("person", args=[which]), reverse("person-mail", args=[which])
    assert 'name="email"' not in console("engineer").get(at).content.decode()
    console("engineer").post(form, {"email": "evil@example.com"})
    assert queries.known_person(which).email != "evil@example.com"
    root = console("root")
    assert "an address of mail, or none" in root.post(form, {"email": "here"}, follow=True).content.decode()
    told = root.post(form, {"email": "lead@new.example"}, follow=True).content.decode()
    assert (
        queries.known_person(which).email == "lead@new.example" and "address of mail changed" in told.lower()
    )
