"""`make docs`: the documentation as HTML in docs/_build: the pages of this folder, those of the rooms, and a reference
that is made from the code."""

from __future__ import annotations

import html
import os
import posixpath
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs import diagram, generate  # noqa: E402 - found only now

TOP = {
    "README.md": "index",
    "CONTRIBUTING.md": "contributing",
    "GLOSSARY.md": "glossary",
    "CHANGELOG.md": "changelog",
}
SECTIONS = (
    ("Begin", ("index", "tutorial/*")),
    ("How to", ("how-to/*",)),
    ("Reference", ("reference/*",)),
    ("Explanation", ("explanation/*",)),
    ("Decisions", ("decisions/*",)),
    ("Rooms", ("rooms/*",)),
    ("The project", ("contributing", "glossary", "changelog")),
)
FIRST = ("index", "seven-ideas", "two-ledgers", "the-way-back", "how-work-flows", "locks-and-races")
"""Pages that stand before the others of their folder, in this order."""

FEW, MANY = 3, 16
"""Headings of a page that has a list of them: a page with more brings a list of its own."""


@dataclass(frozen=True)
class Page:
    """One page: `source` is its place in the repository, `name` its place in the build, without `.html`."""

    source: str
    name: str
    text: str

    @property
    def title(self) -> str:
        found = re.search(r"^# (.+)$", self.text, re.MULTILINE)
        return found[1].strip() if found else self.name


def build(out: Path) -> list[Page]:
    """Write every page; returns them."""
    pages = collect()
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "img", out / "docs" / "img")
    frame = Template((ROOT / "docs" / "template.html").read_text())
    places = {page.source: page.name for page in pages}
    for page in pages:
        body, headings = render(page, places)
        target = out / f"{page.name}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        filled = frame.substitute(
            title=html.escape(page.title),
            navigation=navigation(page, pages),
            body=body.replace("</h1>", f"</h1>\n{contents(headings)}", 1),
            home=_relative("index", page.name),
        )
        target.write_text(filled)
    return pages


def collect() -> list[Page]:
    """All pages, with what is made from the code, in the order of the navigation."""
    generate.ready()
    found = [_page(ROOT / source, name) for source, name in TOP.items()]
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if "_build" not in path.parts:
            name = path.relative_to(ROOT / "docs").with_suffix("").as_posix()
            found.append(_page(path, re.sub(r"(^|/)README$", r"\1index", name)))
    rooms = ROOT / "src" / "entrepot"
    found += [_page(rooms / room / "README.md", f"rooms/{room}") for room in generate.rooms()]
    return sorted(found, key=_order)


def _page(path: Path, name: str) -> Page:
    return Page(path.relative_to(ROOT).as_posix(), name, generate.fill(path.read_text()))


def _order(page: Page) -> tuple[int, int, int]:
    for number, (_, patterns) in enumerate(SECTIONS):
        for place, pattern in enumerate(patterns):
            if _fits(page.name, pattern):
                last = page.name.rsplit("/", 1)[-1]
                return number, place, FIRST.index(last) if last in FIRST else len(FIRST)
    raise SystemExit(f"{page.source} belongs to no section of the documentation")


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.endswith("/*") and posixpath.dirname(name) == pattern[:-2])


# ---- a page


def render(page: Page, places: dict[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """A page's HTML, and its second-level headings as (anchor, text)."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(page.text)
    headings: list[tuple[str, str]] = []
    used: set[str] = set()
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", following.content)
            anchor = _unused(generate.slug(text), used)
            token.attrSet("id", anchor)
            if token.tag == "h2":
                headings.append((anchor, text))
        if token.type == "inline":
            _point(token, page, places)
        if token.type == "fence" and token.info == "mermaid":
            drawn = diagram.of_text(token.content)
            if drawn:
                token.type, token.content = "html_block", f'<figure class="states">{drawn}</figure>\n'
    return str(parser.renderer.render(tokens, parser.options, {})), headings


def _unused(anchor: str, used: set[str]) -> str:
    found, number = anchor, 1
    while found in used:
        number += 1
        found = f"{anchor}-{number}"
    used.add(found)
    return found


def _point(token: Token, page: Page, places: dict[str, str]) -> None:
    """Turn links to sources of pages into links to pages. A link to code becomes its text: the build stands alone."""
    children = token.children or []
    dropping = False
    for child in children:
        if child.type == "link_open":
            target = address(str(child.attrGet("href")), page, places)
            if target is None:
                child.type, child.tag, child.hidden, dropping = "text", "", True, True
                child.content, child.attrs = "", {}
            else:
                child.attrSet("href", target)
        elif child.type == "link_close" and dropping:
            child.type, child.tag, child.content, dropping = "text", "", "", False
        elif child.type == "image":
            source = posixpath.normpath(
                posixpath.join(posixpath.dirname(page.source), str(child.attrGet("src")))
            )
            child.attrSet("src", posixpath.relpath(source, posixpath.dirname(page.name) or "."))


def address(href: str, page: Page, places: dict[str, str]) -> str | None:
    """Where a link of a page leads in the build; None where the build has nothing of it."""
    if re.match(r"[a-z]+:", href) or href.startswith("#"):
        return href
    path, _, fragment = href.partition("#")
    source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
    if source not in places:
        return None
    return _relative(places[source], page.name) + (f"#{fragment}" if fragment else "")


def _relative(name: str, start: str) -> str:
    return posixpath.relpath(f"{name}.html", posixpath.dirname(start) or ".")


# ---- around it


def navigation(current: Page, pages: list[Page]) -> str:
    parts = []
    for section, patterns in SECTIONS:
        inside = [page for page in pages if any(_fits(page.name, pattern) for pattern in patterns)]
        links = "".join(_entry(page, current) for page in inside)
        is_open = " open" if current in inside or section in ("Begin", "How to", "Reference") else ""
        parts.append(f"<details{is_open}><summary>{section}</summary><ul>{links}</ul></details>")
    return "\n".join(parts)


def _entry(page: Page, current: Page) -> str:
    here = ' aria-current="page"' if page.name == current.name else ""
    return f'<li><a href="{_relative(page.name, current.name)}"{here}>{html.escape(page.title)}</a></li>'


def contents(headings: list[tuple[str, str]]) -> str:
    if not FEW <= len(headings) <= MANY:
        return ""
    links = "".join(f'<li><a href="#{anchor}">{html.escape(text)}</a></li>' for anchor, text in headings)
    return (
        f'<nav class="contents" aria-label="On this page"><strong>On this page</strong><ul>{links}</ul></nav>'
    )


if __name__ == "__main__":
    try:
        written = build(ROOT / "docs" / "_build")
    except generate.Drift as drift:
        sys.exit(f"make docs: {drift}")
    print(f"{len(written)} pages; begin at {os.path.relpath(ROOT / 'docs' / '_build' / 'index.html')}")
