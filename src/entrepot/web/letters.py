"""Letters of every alphabet: which font has them, in what order they stand on a line, and lines of them as dots."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import NamedTuple

import barcode
import font_source_sans_pro
import noto_cjk_sans_jp_regular
import pylopdf_fonts_ar
import pylopdf_fonts_he
import structlog
import uharfbuzz as hb
from django.conf import settings
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from fpdf import FPDF
from fpdf.bidi import BidiParagraph, auto_detect_base_direction
from fpdf.enums import TextDirection
from PIL import Image

log = structlog.get_logger("entrepot.web")

FILES = Path(font_source_sans_pro.__file__).parent / "files"
TEXT, BOLD = FILES / "SourceSansPro-Regular.ttf", FILES / "SourceSansPro-Semibold.ttf"


class Font(NamedTuple):
    """A font that is asked for letters which the font of texts has none of."""

    file: Path
    letters: re.Pattern[str] | None = None
    """What it is read for, since it is large: only where a paper has such letters. None: it is always there."""
    has_weights: bool = False
    """Whether one file has it from thin to black, of which papers can hold one weight alone."""

    @property
    def path(self) -> Path:
        return _regular(self.file) if self.has_weights else self.file


@cache
def _folder() -> TemporaryDirectory[str]:
    """As long as the process runs."""
    return TemporaryDirectory(prefix="entrepot-fonts-")


@cache
def _regular(file: Path) -> Path:
    """The regular weight of a font by itself: it takes half a second, once in a process."""
    with _CUTTING:
        cut = Path(_folder().name) / file.name
        if not cut.exists():
            with TTFont(file) as whole:
                instantiateVariableFont(whole, {"wght": 400, "wdth": 100}).save(cut)
    return cut


_CUTTING = Lock()
"""Several threads may want the first such paper."""


FURTHER = {
    "arabic": Font(
        pylopdf_fonts_ar.sans_path(),
        re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]"),
        has_weights=True,
    ),
    "hebrew": Font(
        pylopdf_fonts_he.sans_path(), re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]"), has_weights=True
    ),
    "rest": Font(Path(barcode.__file__).parent / "fonts" / "DejaVuSansMono.ttf"),
    "east": Font(
        Path(str(noto_cjk_sans_jp_regular.FONT_PATH)),
        re.compile(
            "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
            "\U00020000-\U0003ffff]"
        ),
    ),
}
"""By name, in the order in which they are asked."""
JOINERS = "\u200c\u200d"
"""They part letters that would be joined, or join them: Persian and Hindi are read otherwise without them."""
SELECTORS = "\ufe00-\ufe0f"
"""They choose between pictures of one letter, and our fonts have one picture of each."""
MARKS = re.compile(f"[{JOINERS}{SELECTORS}]")
"""What only says how the letters beside it look: no font must have it."""
_IDLE = re.compile(f"[{SELECTORS}]")
LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Letters that are written from right to left."""
NO_LETTER = "\ufffd"
"""Stands where no font has a letter, so that whoever holds the paper sees that something is missing."""


def further() -> dict[str, Font]:
    """The fonts that are asked for letters which the font of texts has none of: ours, then those of this
    installation."""
    own = [path for path in settings.FONTS if path.is_file() and not fault(path)]
    return FURTHER | {f"own {path}".lower(): Font(path, only_in(path)) for path in own}


@cache
def fault(path: Path) -> str:
    """Why a file is no font for papers, which are made without it then; '' where it is one."""
    try:
        if path.suffix.lower() not in (".ttf", ".otf"):
            return "its name does not end in .ttf or .otf"
        only_in(path)
        FPDF().add_font("own", "", path)
    except Exception as error:  # whatever comes of reading a file that is no font
        log.warning("a font of this machine is left out", font=str(path), exc_info=True)
        return str(error) or type(error).__name__
    return ""


@cache
def only_in(path: Path) -> re.Pattern[str]:
    """The letters of a font that none of ours has."""
    ours = set().union(*(_letters(one) for one in (TEXT, *(one.file for one in FURTHER.values()))))
    theirs = sorted(_letters(path) - ours)
    return re.compile("[" + "".join(f"\\U{letter:08x}" for letter in theirs) + "]" if theirs else "(?!)")


def _letters(path: Path) -> set[int]:
    with TTFont(path, fontNumber=0, lazy=True) as font:
        return set(font.getBestCmap() or ())


def needed(text: str) -> list[str]:
    """The further fonts that a text needs, in the order in which they are asked for letters."""
    return [name for name, one in further().items() if one.letters is None or one.letters.search(text)]


def missing(text: str) -> list[str]:
    """The letters of a text that no font has, each once: on paper a sign stands in their place."""
    paths = [TEXT, *(further()[name].path for name in needed(text))]
    return [
        one
        for one in dict.fromkeys(MARKS.sub("", text))
        if one.isprintable() and not any(_font(path).get_nominal_glyph(ord(one)) for path in paths)
    ]


def shown(text: str) -> str:
    """A text without what changes nothing on paper: marks for other fonts, and joiners where no letter is joined."""
    return (_IDLE if is_shaped(text) else MARKS).sub("", text)


def is_shaped(text: str) -> bool:
    """Whether its letters are joined or in another order on paper than in the text."""
    own = (one for name, one in further().items() if name not in FURTHER)
    return bool(LEFTWARD.search(text)) or any(one.letters and one.letters.search(text) for one in own)


def begins_leftward(text: str) -> bool:
    """Whether a line is written from right to left: its first letter is."""
    return auto_detect_base_direction(text) == TextDirection.RTL


class Run(NamedTuple):
    """What stands side by side and is written one way, its letters in the order in which they are read."""

    text: str
    is_leftward: bool


def runs(text: str) -> list[Run]:
    """A line as it stands, from the left (Unicode's bidirectional algorithm): a number within Arabic is between the
    words that are read before and after it, and these stand at its right and at its left."""
    whole = BidiParagraph(text, preserve_bn_chars=True)
    found = []
    for is_leftward, some in groupby(
        whole.get_reordered_characters(), key=lambda one: one.embedding_level % 2 == 1
    ):
        letters = sorted(some, key=lambda one: one.character_index)
        found.append(Run("".join(one.character for one in letters), is_leftward))
    return found


# ---- lines as dots, for printers that have no such letters


def needs_dots(text: str) -> bool:
    """Whether a text has letters that no label printer has, or that stand in an order that none knows."""
    return any(one.letters is not None and one.letters.search(text) for one in further().values())


def dots(text: str, height: int, room: int) -> Image.Image:
    """A line of text in black on white, so many dots high and as wide as it is, no wider than there is room."""
    text = "".join(one if one.isprintable() or one in JOINERS else " " for one in shown(text))
    drawing, across, size = hb.RasterDraw(), 0.0, height * SIZE
    for run in runs(text):
        parts = [(_font(path), part) for path, part in _by_font(run.text)]
        for font, part in reversed(parts) if run.is_leftward else parts:
            across = _draw(drawing, font, Run(part, run.is_leftward), size, across)
    width = max(1, min(room, round(across)))
    drawing.extents = hb.RasterExtents(0, -round(height * BELOW), width, height)
    drawn = drawing.render()
    picture = Image.frombytes("L", (drawn.extents.stride, height), bytes(drawn.buffer))
    upright = picture.crop((0, 0, width, height)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return upright.point(lambda ink: 0 if ink >= INK else 255).convert("1")


SIZE, BELOW = 0.72, 0.28
"""Of a line's height: that of its letters, and what reaches below the line that they stand on."""
INK = 112
"""From how much of it is covered (255: all) a dot is black."""


def _draw(drawing: hb.RasterDraw, font: hb.Font, run: Run, size: float, across: float) -> float:
    """Draw what one font has of a run; where the next begins."""
    shaped = hb.Buffer()
    shaped.add_str(run.text)
    shaped.guess_segment_properties()
    shaped.direction = "rtl" if run.is_leftward else "ltr"
    hb.shape(font, shaped)
    step = size / font.face.upem
    for glyph, place in zip(shaped.glyph_infos, shaped.glyph_positions, strict=True):
        drawing.transform = (step, 0, 0, step, across + place.x_offset * step, place.y_offset * step)
        drawing.draw_glyph(font, glyph.codepoint)
        across += place.x_advance * step
    return across


def _by_font(text: str) -> list[tuple[Path, str]]:
    """A text in parts that one font each has; what none has is told by a sign. Blanks and marks stay with what they
    follow."""
    paths = [TEXT, *(further()[name].path for name in needed(text))]
    parts: list[tuple[Path, str]] = []
    for letter in text:
        last = parts[-1][0] if parts else paths[0]
        path = next((one for one in (last, *paths) if _font(one).get_nominal_glyph(ord(letter))), None)
        if letter in JOINERS:
            path = last
        drawn, path = (letter, path) if path else (NO_LETTER, FURTHER["rest"].path)
        if parts and parts[-1][0] == path:
            parts[-1] = (path, parts[-1][1] + drawn)
        else:
            parts.append((path, drawn))
    return parts


@cache
def _font(path: Path) -> hb.Font:
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(path))))
