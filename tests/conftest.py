"""The suite's own PostgreSQL server, a database from a migrated template, and a check after every test.

Each run has its own folder, socket and ports, so several runs at once don't meet. Tests connect with the
application's role, as the running house does. Ways to use the database:

* `db` (or `@pytest.mark.django_db`): one transaction, rolled back. For nearly everything.
* `standing_shop`: the same, in a database with a shop in the middle of its day.
* `sold_house`: the same, in a database with a thousand orders that were sent and paid.
* `committed_db`: real commits, for threads, races and pages; afterwards what was written is emptied again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import pytest

if TYPE_CHECKING:  # Django isn't set up yet when this file is read
    from tests import leavings
    from tests.shop import Shop

# Before anything imports the settings.
RUN = Path(tempfile.mkdtemp(prefix="entrepot-test-"))
RUN.chmod(0o711)  # root's server runs as another user, who must pass through
DATABASE, TEMPLATE = "entrepot_test", "entrepot_template"
for _name in ("DATABASE_URL", "ENTREPOT_DB_ROLE", "ENTREPOT_POSTGRES", "ENTREPOT_TLS", "ENTREPOT_DEBUG"):
    os.environ.pop(_name, None)
os.environ |= {
    "ENTREPOT_HOME": str(RUN),
    "ENTREPOT_DATABASE": TEMPLATE,
    "ENTREPOT_SECRET_KEY": "for tests only",
    "DJANGO_SETTINGS_MODULE": "entrepot.settings",
}

from entrepot import postgres  # noqa: E402 - it reads the environment above

# A run that is killed loses nothing of worth, and is a third faster for it.
HURRIED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
DAY_S = 86_400
# A migration, a page or a batch makes tens of thousands of objects: fewer looks for rings among them.
gc.set_threshold(50_000, 20, 20)
SLOW = [hypothesis.HealthCheck.too_slow]
LONG_FIRST = (
    "house/test_bench",
    "tests/crash",
    "tests/house",
    "tests/pages",
    "tests/partners",
    "tests/stories",
)


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    settings.AXES_ENABLED = False  # it wants a request at every login; its own test switches it on
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    _look_for_static_files_once()
    # The same examples in every run, however busy the machine is; `--hypothesis-profile=explore` draws new ones.
    hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=SLOW)
    hypothesis.settings.register_profile("explore", deadline=None, suppress_health_check=SLOW)
    if not config.getoption("hypothesis_profile", None):
        hypothesis.settings.load_profile("suite")


def _look_for_static_files_once() -> None:
    """Every client of a test makes the middleware anew, which would read the times of all static files."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = look_once


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """A worker inherits this environment, and would read the settings before this file has given it its own folder."""
    from tests import template

    _making.append(template.begin(RUN / "template", TEMPLATE, HURRIED))
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


_making: list[subprocess.Popen[bytes]] = []


def pytest_unconfigure(config: pytest.Config) -> None:
    for process in _making:  # who broke off, or had no use for a database
        process.send_signal(signal.SIGINT)
        process.wait()
    shutil.rmtree(RUN, ignore_errors=True)
    for left in RUN.parent.glob("entrepot-test-*"):  # of runs that were killed
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY_S:
                shutil.rmtree(left, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and (marker.kwargs.get("transaction") or marker.args[:1] == (True,)):
            raise pytest.UsageError(
                f"{item.nodeid}: take the fixture `committed_db`; a flush would need rights we lack"
            )
        if {"page", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
        if "statements" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.many)
    # A long test that begins last would keep one worker waiting for the other.
    items.sort(
        key=lambda item: next((i for i, at in enumerate(LONG_FIRST) if at in item.nodeid), len(LONG_FIRST))
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Modules and tests stay to the end: nobody looks for rings among them, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    return report


PASSED = pytest.StashKey[bool]()


# ---- the database


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    from tests import template

    if made := os.environ.get(template.TOLD_BY):
        template.copy(Path(made), RUN / "postgres")
    with postgres.running_server(HURRIED) as running:
        assert running is not None
        yield running


@pytest.fixture(scope="session")
def django_db_setup(server: postgres.Server, django_db_blocker) -> Iterator[None]:
    """Replaces pytest-django's: migrated once as the owner, then used with the application's role."""
    from django.db import connections

    from entrepot.cli import session

    with django_db_blocker.unblock():
        postgres.ensure_database(TEMPLATE)
        session.migrate()
        os.environ["ENTREPOT_DATABASE"] = DATABASE
        postgres.recreate_database(DATABASE, TEMPLATE)
        session.lower_role()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(scope="session")
def template(django_db_setup, django_db_blocker) -> leavings.Template:
    """What the rooms find in the database before anybody has written to it."""
    from tests import leavings

    with django_db_blocker.unblock():
        return leavings.Template()


@pytest.fixture(scope="session")
def committed(django_db_setup) -> Iterator[leavings.Committed]:
    """The way back to the template after real commits."""
    from tests import leavings

    way_back = leavings.Committed(DATABASE, TEMPLATE)
    yield way_back
    way_back.close()


@pytest.fixture
def committed_db(template, committed: leavings.Committed, django_db_blocker) -> Iterator[None]:
    """Real commits, in any number of threads. What was written is emptied again afterwards."""
    with django_db_blocker.unblock():
        yield
        committed.clean()


@pytest.fixture
def open_shop(committed_db: None, committed: leavings.Committed) -> Callable[[int], Shop]:
    """A shop with so many orders in each status, committed: made by its commands once, then put back row by row."""
    from tests.shop import an_open_shop

    return lambda each: committed.standing(f"shop {each}", lambda: an_open_shop(each=each))


@pytest.fixture(scope="session")
def standing_shop(django_db_setup, django_db_blocker) -> Iterator[leavings.Standing]:
    """A shop that is set up once: a test that asks for it finds it so in its transaction."""
    from tests.shop import an_open_shop

    yield from _standing(django_db_blocker, "entrepot_shop", lambda: an_open_shop(each=2))


@pytest.fixture(scope="session")
def standing_sold(django_db_setup, django_db_blocker) -> Iterator[leavings.Standing]:
    """A house with a thousand orders sent, for tests that would send so many each."""
    from tests.back import a_house_that_sold

    yield from _standing(django_db_blocker, "entrepot_sold", a_house_that_sold)


def _standing(blocker: Any, database: str, make: Callable[[], Any]) -> Iterator[leavings.Standing]:
    from tests import leavings

    with blocker.unblock():
        made = leavings.Standing(database, TEMPLATE, make)
        yield made
        made.close()


STANDING = ("standing_shop", "standing_sold")


@pytest.fixture
def _begins_in(request: pytest.FixtureRequest, template) -> Iterator[leavings.Template]:
    """The database that the test's connection leads to: what it is before anybody writes to it."""
    names = [name for name in STANDING if name in request.fixturenames]
    if not names:
        yield template
        return
    standing = request.getfixturevalue(*names)
    with standing.entered():
        yield standing.template


@pytest.fixture
def sold_house(standing_sold: leavings.Standing, db: None) -> Any:
    """A floor of which `back.sold` and `back.sent` give out orders that stand there, as long as there are enough."""
    return standing_sold.made()


@pytest.fixture
def _django_db_helper(_begins_in, _django_db_helper):
    """pytest-django's, which begins the transaction: in the right database."""
    return _django_db_helper


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """A request leaves its language to the thread; what comes after it here is no request."""
    yield
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(autouse=True)
def nothing_amiss(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that used the database and passed, each room finds its sums in order."""
    asked = set(request.fixturenames)
    if request.node.get_closest_marker("django_db"):
        asked.add("db")
    used = asked & {"db", "committed_db"}
    assert len(used) < 2, "ask for `db` or for `committed_db`, not for both"
    assert not ("committed_db" in asked and asked.intersection(STANDING)), (
        "what stands is for transactions of `db`"
    )
    for name in used:  # set up before this fixture, so that it still stands when we look
        request.getfixturevalue(name)
    template = request.getfixturevalue("_begins_in") if used else None
    yield
    if template and request.node.stash.get(PASSED, False):
        from tests import leavings

        here = "db" in used
        written = leavings.written_here() if here else request.getfixturevalue("committed").written()
        # A test of one room alone makes promises to orders that no other room knows.
        alone = request.node.get_closest_marker("alone")
        assert template.discrepancies(written, alone.args if alone else ()) == []


# ---- counting statements


class Counted(NamedTuple):
    """An outermost command that ran while statements were counted."""

    command: str
    requests: int
    statements: int


class Statements:
    """The statements that ran inside `with statements() as ran:`; `len(ran)`, `ran.texts`, and `ran.commands`."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.commands: list[Counted] = []

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def statements(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], contextlib.AbstractContextManager[Statements]]]:
    """Counts what goes through Django's cursors and through `entrepot.kernel.sql`, each statement once.

    A test marked `counts("a.command", …)` shows that these take as many statements for each of `sizes.SIZES`: it is
    seen to here, so that no mark claims more than its test does.
    """
    from django.db import connection

    from entrepot.kernel import command as kernel_command
    from entrepot.kernel import sql as kernel_sql

    counted: list[Counted] = []
    outermost = kernel_command._outermost

    @contextlib.contextmanager
    def counting() -> Iterator[Statements]:
        ran = Statements()

        def through_django(execute, statement, parameters, many, context):
            if not _is_called_by("entrepot.kernel.sql"):  # which tells its observers itself
                ran.texts.append(str(statement))
            return execute(statement, parameters, many, context)

        def noted(name, body, cause, requests, options):
            before = len(ran.texts)
            answers = outermost(name, body, cause, requests, options)
            took = [text for text in ran.texts[before:] if "SAVEPOINT" not in text]
            ran.commands.append(Counted(name, len(requests), len(took)))
            return answers

        kernel_sql.observers.append(ran.texts.append)
        monkeypatch.setattr(kernel_command, "_outermost", noted)
        try:
            with connection.execute_wrapper(through_django):
                yield ran
        finally:
            monkeypatch.setattr(kernel_command, "_outermost", outermost)
            kernel_sql.observers.remove(ran.texts.append)
            counted.extend(ran.commands)

    yield counting
    if request.node.stash.get(PASSED, False):
        for marker in request.node.iter_markers("counts"):
            for name in marker.args:
                _see_that_it_does_not_grow(name, counted, _sizes_of(request.node, marker))


def _sizes_of(node: pytest.Function, marker: pytest.Mark) -> list[int]:
    """The sizes that a test has to show: those of its mark, or of its parameter, or all."""
    from tests import sizes

    given = [value for value in getattr(node, "callspec", _NONE).params.values() if value in sizes.SIZES]
    return given[:1] or list(marker.kwargs.get("sizes", sizes.SIZES))


class _NONE:
    params: dict[str, object] = {}


def _see_that_it_does_not_grow(name: str, counted: list[Counted], sizes: list[int]) -> None:
    # The last of a size: what the first of all makes, such as a bucket, is there for the others.
    took = {one.requests: one.statements for one in counted if one.command == name and one.requests in sizes}
    assert sorted(took) == sorted(sizes), f"{name} is not counted at {sizes}, only at {sorted(took)}"
    assert len(set(took.values())) == 1, f"{name} grows with its batch: {took}"


def _is_called_by(module: str) -> bool:
    frame = sys._getframe(1)
    while frame := frame.f_back:
        if frame.f_globals.get("__name__") == module:
            return True
    return False


# ---- the clock


@pytest.fixture
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of pages and of the API goes on from when tests sell: by that of today all would come back too late."""
    from django.utils import timezone

    from tests.floor import NOW

    began = time.monotonic()
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(hours=1, seconds=time.monotonic() - began))


# ---- pages


@pytest.fixture
def site(committed_db) -> Iterator[str]:
    """The address of the web application, served by a thread of this process."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


@pytest.fixture(scope="session")
def browser():
    from docs import browser as system

    path = system.found()
    if path is None:
        pytest.skip("there is no Chromium here: `make browser` installs it")
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread, and Django takes that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = system.launched(playwright, path)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, site: str):
    """A fresh page whose addresses are relative to the site: `page.goto("/login/")`."""
    context = browser.new_context(base_url=site, locale="en-GB", timezone_id="Europe/London")
    yield context.new_page()
    context.close()


@pytest.fixture
def owner(committed_db):
    """A connection with the owner's rights, for tests that do what the application may not."""
    import psycopg

    with psycopg.connect(postgres.server_dsn(), autocommit=True) as connection:
        yield connection
