"""The variables of the style sheet, read from the sheet itself: what the style page tells of them. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_BLOCK = re.compile(r":root(\[data-theme=\"dark\"\])? \{(.*?)\n\}", re.DOTALL)
_VARIABLE = re.compile(r"--([\w-]+): ([^;]+);")
_COLOR = re.compile(r"#[0-9a-f]{6}")


class Color(NamedTuple):
    """A color by name, as it is in light and in dark."""

    name: str
    light: str
    dark: str


class Tone(NamedTuple):
    """A pair of colors that means something, and how well its text is read on its ground (WCAG: 4.5 or more)."""

    name: str
    light: tuple[str, str]
    dark: tuple[str, str]
    contrast_light: float
    contrast_dark: float


def variables(sheet: str) -> tuple[dict[str, str], dict[str, str]]:
    """Names and values in light, and those that are otherwise in dark."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for is_dark, body in _BLOCK.findall(sheet):
        found = dark if is_dark else light
        if not found:  # what stands further down is for small screens
            found.update(_VARIABLE.findall(body))
    return light, dark


def colors(sheet: str) -> list[Color]:
    light, dark = variables(sheet)
    return [
        Color(name, value, dark.get(name, value)) for name, value in light.items() if _COLOR.fullmatch(value)
    ]


def others(sheet: str) -> dict[str, str]:
    """Sizes, fonts and shadows."""
    return {name: value for name, value in variables(sheet)[0].items() if not _COLOR.fullmatch(value)}


def tones(sheet: str) -> list[Tone]:
    """The colors that stand with a ground of their own: `bad` with `bad-bg`."""
    known = {one.name: one for one in colors(sheet)}
    found = []
    for name, ground in ((one, f"{one}-bg") for one in known):
        if ground in known:
            light, dark = (known[name].light, known[ground].light), (known[name].dark, known[ground].dark)
            found.append(Tone(name, light, dark, contrast(*light), contrast(*dark)))
    return found


def contrast(one: str, other: str) -> float:
    """Of two colors, by WCAG's formula: 1 to 21."""
    brighter, darker = sorted((_light(one), _light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _light(color: str) -> float:
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
