"""The suite's own tools: its role, the rollback, the copy from the template, the counting."""

from __future__ import annotations

import threading

from django.contrib.auth.models import Group
from django.db import connection, connections

from entrepot import postgres


def test_tests_connect_with_the_rights_of_the_application(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        assert cursor.fetchone() == (postgres.APP_ROLE, postgres.OWNER)


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
