"""Every command of every room, so that the registry is complete whoever asks first."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from django.conf import settings

from entrepot.kernel.command import commands

OF_THE_KERNEL = ("entrepot.kernel.drafts", "entrepot.kernel.messages", "entrepot.kernel.policies")
"""Where the kernel has its commands, which stand in no folder of their own."""


@cache
def command_names() -> tuple[str, ...]:
    """The names of all commands, sorted. Imports the commands of the rooms that the settings list."""
    for module in OF_THE_KERNEL:
        importlib.import_module(module)
    for room in settings.ROOMS:
        for _ in _modules(f"entrepot.{room}.commands"):
            pass
    return tuple(sorted(commands))


def _modules(package: str) -> Iterator[ModuleType]:
    if find_spec(package) is None:
        return
    whole = importlib.import_module(package)
    yield whole
    for found in pkgutil.walk_packages(getattr(whole, "__path__", ()), f"{package}."):
        yield importlib.import_module(found.name)
