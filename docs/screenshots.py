"""`make screenshots`: a picture of every page, on a desk and on a phone, and the four that README shows.

The pages are those of the demo's retailer after its day, in a database of its own (`entrepot_pictures`).
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "screenshots"
IMG = ROOT / "docs" / "img"
DATABASE = "entrepot_pictures"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SIZES = {"desk": WIDE, "phone": PHONE}
SHOWN = {
    "console": ("home", WIDE),
    "order": ("order", WIDE),
    "refunds": ("refunds", WIDE),
    "stock": ("sku", WIDE),
}
"""The pictures of README: the page and its size."""
COLORS = 128


def main() -> int:
    from playwright.sync_api import sync_playwright

    from docs import browser
    from entrepot.cli.session import opened

    path = browser.found()
    if path is None:
        print("The pictures need Chromium: `make browser` installs it.")
        return 1
    # Playwright's loop runs in this thread, and Django takes that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with opened(DATABASE):
        filled()
        with served() as site, sync_playwright() as playwright:
            chromium = browser.launched(playwright, path)
            taken = sum(_pictures(chromium, site, name, size) for name, size in SIZES.items())
            _of_readme(chromium, site)
            chromium.close()
    print(f"{taken} pictures are in {OUT.relative_to(ROOT)}, {len(SHOWN)} in {IMG.relative_to(ROOT)}.")
    return 0


def filled() -> None:
    """The demo's day, once; and what its pages show beside it."""
    from django.contrib.auth.models import User

    from docs import furnishing, furnishing_more
    from entrepot.parties import queries as parties
    from entrepot.simulation import demo

    if parties.companies():
        return
    demo.run(serve=False, out=io.StringIO())
    User.objects.create_superuser("admin")
    furnishing.furnish()
    furnishing_more.furnish_more()


@contextmanager
def served() -> Iterator[str]:
    """The address of the console, served by a thread of this process."""
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


def entered(chromium: Any, site: str, person: str, size: dict[str, int], scheme: str = "light") -> Any:
    """A browser in which a person has entered."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.get(username=person)
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session.save()
    context = chromium.new_context(
        base_url=site, viewport=size, color_scheme=scheme, locale="en-GB", timezone_id="Europe/London",
        reduced_motion="reduce",
    )  # fmt: skip
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": site}]
    )
    return context


def _pictures(chromium: Any, site: str, name: str, size: dict[str, int]) -> int:
    from docs.walk import stops

    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    context = entered(chromium, site, "admin", size)
    page, count = context.new_page(), 0
    for stop in stops():
        page.goto(stop.address, wait_until="networkidle")
        page.screenshot(path=folder / f"{stop.name}.png", full_page=True)
        count += 1
    context.close()
    return count


def _of_readme(chromium: Any, site: str) -> None:
    from PIL import Image

    from docs.walk import stops

    addresses = {stop.name: stop.address for stop in stops()}
    for name, (stop, size) in SHOWN.items():
        context = entered(chromium, site, "admin", size)
        page = context.new_page()
        page.goto(addresses[stop], wait_until="networkidle")  # figures that come later are there
        taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        taken.quantize(COLORS, dither=Image.Dither.NONE).save(IMG / f"{name}.png", optimize=True)
        context.close()


if __name__ == "__main__":
    raise SystemExit(main())
