"""What templates of the console say: money and times of their reader, states, icons, links to documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.http import HttpRequest, QueryDict
from django.template.base import Parser, Token
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from entrepot.access.rules import stands_for
from entrepot.carriage.rules import BARRED
from entrepot.catalog import packagings
from entrepot.insight.kpis import Kpi
from entrepot.insight.pages import Name
from entrepot.kernel.cause import Actor
from entrepot.orders.queries import LineRow
from entrepot.returns.queries import LineRow as ReturnLineRow
from entrepot.shipping import shopping
from entrepot.stock.queries import Standing
from entrepot.web import format as fmt
from entrepot.web import kpi_words, reasons, words
from entrepot.web.areas import OWN_PAGES
from entrepot.web.icons import PATHS, TOWARD
from entrepot.web.listing import Head, Listing, next_order
from entrepot.web.plots import WIDTH

register = template.Library()

register.filter("number", fmt.number)
register.filter("degrees", fmt.degrees)
register.filter("percent", fmt.percent)
register.filter("rate", fmt.rate)
register.filter("exchange_rate", fmt.exchange_rate)
register.filter("tenth", fmt.tenth)
register.filter("money", fmt.money)
register.filter("amount", fmt.amount)
register.filter("price", fmt.price)
register.filter("day", fmt.day)
register.filter("month", fmt.month)
register.filter("told_day", fmt.told_day)
register.filter("age", fmt.age)
register.filter("span", fmt.span)
register.filter("apart", fmt.apart)
register.filter("tone", words.tone)
register.filter("word", words.word)
register.filter("sentence", words.sentence)
register.filter("account", words.account)
register.filter("numbered_account", words.numbered_account)
register.filter("refusal", words.refusal)
register.filter("stands_for", lambda actor, role: stands_for(actor.may, role, actor.roles))


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC")


@register.filter
def by_the_clock(text: str) -> str:
    """A text in which moments stand as they were written down, with these by the clock of the reader."""
    return _MOMENT.sub(lambda found: fmt.moment(datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")), text)


@register.filter
def per_10k(value: int) -> str:
    """Hundredths of a percent, as a percentage."""
    return fmt.percent(value / 10_000)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon; without a label it is only an ornament."""
    told = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    kind = "icon toward" if name in TOWARD else "icon"
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" width="20" height="20" {}><path d="{}"/></svg>',
        kind, told, PATHS[name],
    )  # fmt: skip


@register.filter
def pieces(found: Sequence[packagings.Pieces]) -> str:
    """Units as whole pallets, cases and loose ones."""
    return fmt.pieces(found)


@register.filter
def up_to(most: int) -> range:
    """1, 2, … up to a number, 20 at most: for a choice."""
    return range(1, min(most, 20) + 1)


@register.filter
def told_to_customer(asked: str) -> str:
    """What a customer asks for with a return, as he says it."""
    return str(words.TO_CUSTOMERS.get(asked) or words.sentence(asked))


@register.filter
def order_to_customer(status: str) -> str:
    """The status of an order, to whoever placed it."""
    return words.order_to_customer(status)


register.filter("when_to_customer", words.when_to_customer)
register.filter("kpi_source", kpi_words.source)


@register.simple_tag
def kpi_value(kpi: Kpi, value: float | None) -> str:
    """A key figure in its unit; a dash where there was nothing to look at."""
    if value is None:
        return "–"
    if kpi.unit == "hours":
        return gettext("%(n)s h") % {"n": fmt.tenth(value)}
    if kpi.unit == "days":
        return gettext("%(n)s days") % {"n": fmt.tenth(value)}
    if kpi.unit == "rate":
        return gettext("%(n)s an hour") % {"n": fmt.tenth(value)}
    return fmt.percent(value) if kpi.unit == "share" else fmt.hundredth(value)


@register.filter
def service_taken(why: str) -> str:
    """Why a service is taken, of the reasons of a choice."""
    return reasons.filled(shopping.WHY.get(why, why))


@register.filter
def service_barred(barred: Sequence[str | int]) -> str:
    """Why a service does not carry a parcel."""
    service, why, *facts = barred
    return reasons.filled(BARRED[str(why)], service, *facts)


@register.filter
def not_quoted(note: Sequence[str]) -> str:
    """Why a table's price stands where a quote was wanted."""
    why, *facts = note
    return reasons.filled(shopping.NOT_QUOTED[why], *facts)


@register.filter
def from_top(y: float) -> str:
    """A height of a plot as drawings count it: from the top."""
    return f"{WIDTH - y:.2f}"


@register.filter
def at(rows: Sequence[Any], place: int) -> Any:
    return rows[place]


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A time, short, with the exact one on hovering."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), fmt.exact(value), fmt.moment(value)
    )


@register.filter
def sides(pair: str) -> list[str]:
    """What a pair of duties keeps apart; to credit is something else than a credit."""
    return ["crediting" if side == "credit" else side for side in pair.split("×")]


@register.filter
def duties(name: str) -> str:
    """The name of a pair of duties, each by its word."""
    return " × ".join(map(gettext, name.split(" × ")))


@register.filter
def counted(text: str) -> str:
    """Units by what was done with them, as `2 restock, 1 dispose`, each by its word."""
    parts = (part.partition(" ") for part in text.split(", "))
    return ", ".join(f"{units} {words.word(done)}" for units, _, done in parts)


@register.filter
def iso(value: str) -> datetime:
    """A time that a fact keeps as text."""
    return datetime.fromisoformat(value)


@register.filter
def first_day(since: datetime) -> str:
    """The first day (UTC) of a window."""
    return fmt.day(since.astimezone(UTC).date())


@register.filter
def last_day(until: datetime) -> str:
    """The last day (UTC) that a window has which ends before a moment."""
    return fmt.day((until.astimezone(UTC) - timedelta(microseconds=1)).date())


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hovering."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), fmt.exact(value), fmt.age(value)
    )


@register.filter
def due(value: datetime | None) -> SafeString | str:
    """When something is due: in so much time, or late by so much."""
    if value is None:
        return "–"
    left = value - fmt.reading().now
    late = left.total_seconds() < 0
    text = gettext("late by %(span)s") % {"span": fmt.span(left)} if late else fmt.ahead(left)
    return format_html(
        '<time datetime="{}" title="{}" class="due{}">{}</time>',
        value.isoformat(), fmt.exact(value), " late" if late else "", text,
    )  # fmt: skip


register.filter("reason", reasons.reason)


@register.filter("reasons")
def all_reasons(texts: Iterable[str], between: str = "; ") -> str:
    """Reasons in the language of the page, one after the other."""
    return between.join(map(reasons.reason, texts))


@register.filter("words")
def all_words(names: Iterable[object]) -> str:
    """States, kinds or fields as people write them, one after the other."""
    return ", ".join(map(words.word, names))


@register.filter
def told(fact: str) -> str:
    """A fact in the language of the page, where it is words."""
    return words.told(fact)


@register.filter
def state(value: str) -> SafeString:
    """A state as a badge; its color repeats what its word says."""
    return format_html('<span class="state {}">{}</span>', words.tone(value), words.word(value))


@register.filter
def figure(value: float, kind: str) -> str:
    """A number as it is written where numbers of several kinds stand in one column: plain, or a share."""
    return fmt.percent(value) if kind == "percent" else fmt.number(round(value, 1))


@register.filter
def may(actor: Actor, command: str) -> bool:
    return actor.may(command)


@register.filter
def values(data: QueryDict, name: str) -> list[str]:
    """Everything that an address says under a name."""
    return [str(one) for one in data.getlist(name)]


@register.filter
def get(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key, "")


@register.simple_tag(takes_context=True)
def said(context: Mapping[str, Any], form: str, name: str, otherwise: Any = "", line: UUID | str = "") -> Any:
    """What a person had put into a field of a form that was refused; `line` is the end of the field's name."""
    found = context.get("kept") or {}
    return found["fields"].get(f"{name}{line}", otherwise) if found.get("form") == form else otherwise


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: Any) -> str:
    """The query of this page with some of its parameters changed; '' takes one out."""
    request: HttpRequest = context["request"]
    kept: dict[str, Any] = {name: values for name, values in request.GET.lists() if name not in changes}
    kept |= {name: str(value) for name, value in changes.items() if value not in ("", None)}
    return f"?{urlencode(kept, doseq=True)}" if kept else "?"


@register.simple_tag(takes_context=True)
def kept_fields(context: Mapping[str, Any], *without: str) -> SafeString:
    """What the address of this page says, as hidden fields of a form that goes there again."""
    request: HttpRequest = context["request"]
    fields = (
        (name, value) for name, values in request.GET.lists() if name not in without for value in values
    )
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields)


class ColumnNode(template.Node):
    """What belongs to a column that a reader may leave out."""

    def __init__(self, name: str, inside: template.NodeList) -> None:
        self.name, self.nodelist = name, inside

    def render(self, context: template.Context) -> SafeString:
        return (
            mark_safe("") if self.name in (context.get("left_out") or ()) else self.nodelist.render(context)
        )


@register.tag
def column(parser: Parser, token: Token) -> ColumnNode:
    """`{% column "channel" %}<td>…</td>{% endcolumn %}`: nothing where the reader left the column out."""
    name = token.split_contents()[1].strip("\"'")
    inside = parser.parse(("endcolumn",))
    parser.delete_first_token()
    return ColumnNode(name, inside)


@register.simple_tag(takes_context=True)
def heads(context: Mapping[str, Any], *, pick: bool = False, acts: str = "") -> SafeString:
    """The head of the page's list: a link where it puts the list in order; with boxes and with acts where asked."""
    listing: Listing = context["listing"]
    left_out, order = context.get("left_out") or (), context.get("order", "")
    first = format_html(_PICK, gettext("Select all shown")) if pick else ""
    titles = ((_head(context, one, order),) for one in listing.heads if one.name not in left_out)
    last = format_html('<th scope="col"><span class="hidden">{}</span></th>', acts) if acts else ""
    return format_html("<thead><tr>{}{}{}</tr></thead>", first, format_html_join("", "{}", titles), last)


_PICK = '<th scope="col" class="pick"><label><input type="checkbox" data-all aria-label="{}"></label></th>'


def _head(context: Mapping[str, Any], one: Head, order: str) -> SafeString:
    kind = mark_safe(' class="n"') if one.n else ""
    if one.spread is not None:
        titles = (context.get("spread") or {}).get(one.name, ())
        return format_html_join("", '<th scope="col"{}>{}</th>', ((kind, title) for title in titles))
    if not one.by:
        return format_html('<th scope="col"{}>{}</th>', kind, one.title)
    ways = {one.by: "ascending", f"-{one.by}": "descending"}
    told = format_html(' aria-sort="{}"', ways[order]) if order in ways else ""
    return format_html(
        '<th scope="col"{}{}><a class="by" href="{}">{}</a></th>',
        kind, told, query(context, sort=next_order(one, order), after=""), one.title,
    )  # fmt: skip


@register.inclusion_tag("web/parts/with_others.html")
def with_others(name: str, document: object, line: object, *more: object) -> dict[str, str]:
    """A box beside a line of a document that has a form of its own: to be decided about with others (see
    `edge.rows_in`). Lines of one document are told apart by their numbers."""
    return {"name": name, "line": str(line), "row": "/".join(map(str, (document, line, *more)))}


@register.simple_tag(takes_context=True)
def list_fields(context: Mapping[str, Any]) -> SafeString:
    """What a form of filters keeps of the list: its columns and its order, as hidden fields."""
    request: HttpRequest = context["request"]
    fields = ((name, value) for name in ("show", "sort") for value in request.GET.getlist(name))
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields)


@register.simple_tag
def link(which: UUID | str | None, name: Name | str | None = None, kind: str = "") -> SafeString | str:
    """A link to a document by what people call it."""
    if which is None:
        return "–"
    text = name.text if isinstance(name, Name) else name
    kind = name.kind if isinstance(name, Name) else kind
    named = OWN_PAGES.get(kind, "document")
    return format_html(
        '<a href="{}">{}</a>', reverse(named, args=[which]), text or f"{words.word(kind)} …{str(which)[-8:]}"
    )


@register.simple_tag
def recorded(which: UUID) -> SafeString:
    """A link to the plain page of a document that has a page of its own: every fact, move, entry and event."""
    address = f"{reverse('document', args=[which])}?recorded=1"
    return format_html('<a class="soft small" href="{}">{}</a>', address, gettext("All that is recorded"))


@register.filter
def called(value: Any, names: Mapping[UUID, Name]) -> SafeString | str:
    """A fact: the document that it names, where it is a key, or itself."""
    if isinstance(value, str):
        try:
            key = UUID(value)
        except ValueError:
            return _text(value)
        return link(key, names[key]) if key in names else _text(value)
    return _fact("", value)


@register.filter
def facts(value: Any, currency: str = "") -> SafeString | str:
    """Facts of an event or a decision as a list of names and values, for reading; amounts are of the currency."""
    if value in (None, "", {}, []):
        return ""
    if isinstance(value, Mapping):
        rows = format_html_join(
            "", "<div><dt>{}</dt><dd>{}</dd></div>",
            (
                (words.word(name.removesuffix("_minor") if currency else name), _fact(name, one, currency))
                for name, one in ((str(name), one) for name, one in value.items())
            ),
        )  # fmt: skip
        return format_html('<dl class="facts">{}</dl>', rows)
    return _fact("", value, currency)


def _fact(name: str, value: Any, currency: str = "") -> SafeString | str:
    if isinstance(value, Mapping):
        return facts(value, currency)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        return _list(name, value, currency)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None:
        return "–"
    if isinstance(value, (datetime, date)):
        return fmt.exact(value) if isinstance(value, datetime) else fmt.day(value)
    if isinstance(value, int) and currency and name.endswith("_minor"):
        return fmt.money(value, currency)
    if isinstance(value, (int, float, Decimal)):
        return fmt.number(value)
    return str(value)


def _list(name: str, values: Sequence[Any], currency: str) -> SafeString | str:
    if not values:
        return gettext("none")
    found = ((_fact(name, one, currency),) for one in values)
    if all(not isinstance(one, (Mapping, list, tuple)) for one in values):
        return format_html_join(", ", "{}", found)
    return format_html('<ul class="plain">{}</ul>', format_html_join("", "<li>{}</li>", found))


def _text(value: str) -> SafeString | str:
    """Keys are shortened to their last eight digits: their chance part."""
    try:
        UUID(value)
    except ValueError:
        return value
    return format_html('<code title="{}">…{}</code>', value, value[-8:])


# ---- small sums that a page shows


@register.filter
def meters(mm: int) -> str:
    """Millimeters as whole meters."""
    return fmt.number(round(mm / 1000))


@register.filter
def minutes(seconds: int) -> int:
    """Seconds as whole minutes."""
    return seconds // 60


@register.filter
def hours(seconds: int) -> float:
    """Seconds as hours, for tenths of them."""
    return seconds / 3600


@register.filter
def negated(value: int) -> int:
    return -value


@register.filter
def left_to_come(line: ReturnLineRow) -> int:
    """Units of a return's line that are still expected."""
    return line.to_come


@register.filter
def left_to_refund(line: ReturnLineRow) -> int:
    """Units of a return's line that are not refunded yet."""
    return line.units.unpaid


@register.filter
def clock(value: datetime) -> str:
    return fmt.moment(value)


@register.filter
def place_tone(place: str) -> str:
    """The tone of a place where units of a line stand: open units of a line are on their way, not an exception."""
    return "going" if place == "open" else words.tone(place)


@register.simple_tag
def stands(line: LineRow) -> int:
    """Units of a line that are not cancelled."""
    return line.quantity - line.cancelled


@register.simple_tag
def net(line: LineRow, currency: str) -> str:
    return fmt.amount(line.gross_minor - line.discount_minor, currency)


@register.simple_tag
def promised(row: Standing) -> str:
    return fmt.number(row.reserved + row.allocated)


@register.simple_tag
def free(row: Standing) -> str:
    return fmt.number(row.by_status.get("sellable", 0) - row.reserved - row.allocated)


@register.simple_tag
def promised_sum(sums: Mapping[str, int]) -> str:
    return fmt.number(sums["reserved"] + sums["allocated"])


@register.simple_tag
def difference(one: int, other: int, currency: str) -> str:
    return fmt.amount(one - other, currency)


@register.filter
def last_digits(value: UUID) -> str:
    return str(value)[-8:]


@register.filter
def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@register.filter
def field(name: str) -> str:
    """The name of a column as people write it."""
    return words.sentence(name.removesuffix("_id").removesuffix("_at").removesuffix("_minor"))


@register.simple_tag
def fact(
    row: Mapping[str, Any], name: str, whole: Mapping[str, Any], names: Mapping[UUID, Name]
) -> SafeString | str:
    """A column of a row as people read it: amounts with their currency, times, documents by name."""
    value = row.get(name)
    if value is None or value == "":
        return "–"
    if name.endswith("_minor") and isinstance(value, int):
        currency = row.get("currency") or whole.get("currency")
        return fmt.money(value, currency) if currency else fmt.number(value)
    if name.endswith("_at") and isinstance(value, str):
        return moment(datetime.fromisoformat(value))
    if name in ("state", "status") and isinstance(value, str):
        return state(value)
    return called(value, names)
