"""The suite's own tools: its role, the rollback, the copy from the template, the counting."""

from __future__ import annotations

import contextlib
import threading

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction

from entrepot import postgres
from entrepot.insight import verify
from entrepot.kernel import sql
from tests import leavings
from tests import template as making


def test_tests_connect_with_the_rights_of_the_application(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        assert cursor.fetchone() == (postgres.APP_ROLE, postgres.OWNER)


def test_nobody_waits_for_a_template_whose_maker_was_killed(tmp_path, monkeypatch):
    monkeypatch.setenv(making.TOLD_BY, "")
    process = making.begin(tmp_path / "template", "none", {})
    try:
        process.kill()
        with pytest.raises(AssertionError):
            making.copy(tmp_path / "template", tmp_path / "postgres")
    finally:
        process.wait()


def test_committed_rows_are_seen_by_other_threads(committed_db):
    Group.objects.create(name="seen")
    seen: list[bool] = []

    def look() -> None:
        seen.append(Group.objects.filter(name="seen").exists())
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [True]


def test_committed_rows_are_gone_in_the_next_test(db):
    assert not Group.objects.filter(name="seen").exists()


def test_statements_are_counted_through_django(db, statements):
    with statements() as ran:
        Group.objects.count()

    assert len(ran) == 1, str(ran)


def test_append_only_tables_refuse_update_and_delete_by_right(db):
    from entrepot.cli.session import append_only_tables

    with connection.cursor() as cursor:
        for table in append_only_tables():
            cursor.execute(
                "SELECT has_table_privilege(%s, 'INSERT'),"
                " has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')",
                [table, table],
            )
            assert cursor.fetchone() == (True, False), table


def test_what_is_amiss_is_found_without_asking_of_tables_that_nobody_wrote_to(db, template):
    asked: list[str] = []
    with contextlib.suppress(LookupError), transaction.atomic():
        sql.run(
            "INSERT INTO parties_customer (id, company_id, code, tier) VALUES (gen_random_uuid(), 9, 'C-1', '')"
        )
        sql.observers.append(asked.append)
        found = template.discrepancies(leavings.written_here())
        sql.observers.remove(asked.append)
        assert found == verify.discrepancies() == ["customer C-1 is of company 9, which is not there"]
        raise LookupError

    assert not [text for text in asked if "ledger_line" in text]


def test_after_real_commits_rows_sequences_and_tables_are_the_templates(committed_db, committed, owner):
    number = "SELECT last_value, is_called FROM auth_group_id_seq"
    before = owner.execute(number).fetchone()
    Group.objects.create(name="here to stay")
    owner.execute("UPDATE auth_permission SET name = 'another'")
    assert committed.written() == {"auth_group", "auth_permission"}

    committed.clean()

    with psycopg.connect(postgres.server_dsn()) as again:
        assert committed.written() == set()
        assert again.execute(number).fetchone() == before
        again.execute("CREATE INDEX another ON auth_group (id, name)")
    committed.clean()
    with psycopg.connect(postgres.server_dsn()) as again:
        assert again.execute("SELECT to_regclass('another')").fetchone() == (None,)
