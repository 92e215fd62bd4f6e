"""The documentation names everything there is, and every link in it leads somewhere."""

from __future__ import annotations

import html
import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings

from docs import build, diagram, generate
from entrepot.kernel.command import commands
from entrepot.kernel.errors import Refused

ROOT = Path(__file__).parents[2]
WRITTEN = [
    *(ROOT / name for name in build.TOP),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts),
    *sorted((ROOT / "src" / "entrepot").glob("*/README.md")),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "docs"
    build.build(out)
    return out


def words(page: Path) -> str:
    """What a reader sees of a page."""
    body = page.read_text().split('<main id="content">')[1]
    return html.unescape(re.sub(r"<[^>]+>", "", body))


def of_package(registry: dict[str, Any]) -> list[str]:
    """Names whose thing is the package's: tests declare some of their own."""
    return [
        name for name, thing in registry.items() if getattr(thing, "__module__", "").startswith("entrepot.")
    ]


def test_the_reference_has_every_command_with_what_it_takes_and_answers(site: Path) -> None:
    page = words(site / "reference" / "commands.html")
    missing = [name for name in of_package(commands) if f"\n{name}\n" not in page]

    assert missing == []
    assert len(of_package(commands)) > 50
    assert "PlaceOrder" in page
    assert "external_id" in page


def test_the_reference_has_every_error_with_what_it_says(site: Path) -> None:
    page = words(site / "reference" / "errors.html")
    known = {name: Refused.known[name] for name in of_package(Refused.known)}

    assert [name for name in known if name not in page] == []
    assert [
        name for name, one in known.items() if " ".join(one.says.split()) not in " ".join(page.split())
    ] == []


def test_the_reference_has_every_verb_of_the_command_line(site: Path) -> None:
    page = words(site / "reference" / "cli.html")
    verbs = [parser.prog for parser, _ in generate._parsers()]
    makes = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert len(verbs) > len(generate.importlib.import_module("entrepot.cli").VERBS)
    assert [verb for verb in verbs[1:] if f"usage: {verb}" not in page] == []
    assert [verb for verb in makes if f"make {verb}" not in page] == []


def test_the_reference_has_every_setting_and_no_other(site: Path) -> None:
    page = words(site / "reference" / "settings.html")
    found = generate.environment()

    assert sorted(found) == sorted(generate.SETTINGS)
    assert [name for name in found if name not in page] == []
    assert {"DATABASE_URL", "ENTREPOT_HOME", "ENTREPOT_TLS", "DEMO_SERVE"} <= set(found)


def test_the_reference_has_every_state_and_every_address(site: Path) -> None:
    states, api = words(site / "reference" / "states.html"), words(site / "reference" / "api.html")
    machines = [machine for _, _, machine in generate._machines()]

    assert [state for machine in machines for state in machine.states if state not in states] == []
    assert [path for path, _, _ in generate._operations() if path not in api] == []
    assert (site / "reference" / "states.html").read_text().count('<figure class="states">') == len(
        machines
    ) + 1


def test_every_part_of_the_reference_stands_on_a_page() -> None:
    asked = {
        name
        for path in (ROOT / "docs" / "reference").glob("*.md")
        for name in re.findall(generate.PART, path.read_text())
    }

    assert asked == set(generate.PARTS)


@pytest.mark.parametrize("source", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_of_the_repository_lead_somewhere(source: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", source.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]

    assert [target for target in local if not (source.parent / unquote(target)).exists()] == []


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    pages = {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    broken = []
    for name, text in pages.items():
        for target in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            path, _, fragment = html.unescape(target).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            if not (site / place).exists() or (fragment and fragment not in anchors.get(place, ())):
                broken.append(f"{name}: {target}")

    assert broken == []


def test_nothing_is_asked_of_another_host(site: Path) -> None:
    loading = re.compile(r'(?:\bsrc|<link[^>]*href)="https?:|@import|url\((?!#)')
    assert [str(path) for path in site.rglob("*.html") if loading.search(path.read_text())] == []


def test_the_readme_begins_with_what_it_is_and_the_two_commands() -> None:
    beginning = (ROOT / "README.md").read_text()[:700]

    assert "make demo" in beginning
    assert "make test" in beginning
    assert (ROOT / "docs" / "img" / "console.png").stat().st_size < 300_000


def test_every_room_is_on_the_map() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()

    assert [room for room in settings.ROOMS if f"(src/entrepot/{room}/README.md)" not in contributing] == []


@pytest.mark.parametrize(
    ("index", "folder"), [("docs/how-to", "how-to"), ("docs/decisions", "decisions"), (".", "explanation")]
)
def test_every_page_is_named_where_a_reader_looks_for_it(index: str, folder: str) -> None:
    text = (ROOT / index / "README.md").read_text()
    pages = {path.name for path in (ROOT / "docs" / folder).glob("*.md")} - {"README.md"}

    assert [page for page in sorted(pages) if not re.search(rf"[(/]{re.escape(page)}\)", text)] == []


def test_a_word_is_explained_once() -> None:
    rows = re.findall(r"^\| (\*\*.+?) \| ", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)
    words = [word.strip() for row in rows for word in re.split(r",", re.sub(r"\*\*|\(`[^)]*\)", "", row))]

    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_every_address_that_the_documentation_names_is_there() -> None:
    known = {re.sub(r"\{\w+\}", "{}", path) for path, _, _ in generate._operations()}
    named = re.compile(r"`(?:GET|POST|PUT|DELETE) (/api/v1/[\w\-/{}]+[\w}])[`?]")
    wrong = [
        f"{source.relative_to(ROOT)}: {path}"
        for source in WRITTEN
        for path in named.findall(source.read_text())
        if re.sub(r"\{\w+\}", "{}", path) not in known
    ]

    assert wrong == []


def test_every_role_and_policy_can_be_looked_up(site: Path) -> None:
    from entrepot.access.rules import ROLES
    from entrepot.kernel.policies import bodies

    assert [role for role in ROLES if role not in words(site / "reference" / "roles.html")] == []
    assert [
        kind for kind in of_package(bodies) if kind not in words(site / "reference" / "policies.html")
    ] == []


def test_a_diagram_is_drawn_from_its_lines_and_other_diagrams_are_left_alone() -> None:
    drawn = diagram.of_text(
        "stateDiagram-v2\n    [*] --> open\n    open --> done: resolve\n    done --> open: reopen"
    )

    assert drawn.startswith("<svg")
    assert "open to done by resolve" in drawn
    assert diagram.of_text("flowchart LR\n a --> b") == ""
