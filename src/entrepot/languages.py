"""The languages of the console, and the compiled catalogs of their texts."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent / "locale"
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español"}
"""By code, each by its own name. English is what the texts are written in."""
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
OF_COUNTRIES = {
    "de": frozenset({"AT", "CH", "DE", "LI"}),
    "es": frozenset({
        "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV",
        "UY", "VE",
    }),
}  # fmt: skip
"""Where a paper is read in which language, unless somebody says otherwise."""


def of_country(country: str) -> str:
    """The language of papers to somebody there; English where we have none of theirs."""
    return next((language for language, countries in OF_COUNTRIES.items() if country in countries), "en")


def po_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The catalog of a language as it is kept; empty where there is none yet."""
    file = po_file(language)
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def compiled(home: Path) -> Path:
    """The folder of compiled catalogs below `home`; made if texts changed since the last time.

    It is named after the texts, and appears whole or not at all, so that processes may start at the same time.
    """
    told = hashlib.sha256()
    for language in TRANSLATED:
        told.update(po_file(language).read_bytes())
    folder = home / "locale" / told.hexdigest()[:16]
    if not folder.exists():
        _compile(folder)
    return folder


def _compile(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent))
    for language in TRANSLATED:
        file = draft / language / "LC_MESSAGES" / "django.mo"
        file.parent.mkdir(parents=True)
        with file.open("wb") as stream:
            write_mo(stream, read(language))
    try:
        draft.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(draft)
