"""The system's Chromium, for page tests and pictures; Playwright brings none of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The shell comes first: it opens the same pages without the windows and helpers of a whole browser.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu")


def found() -> str | None:
    """The path of the first that is installed here."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def launched(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
