"""What templates of the console say: money and times of their reader, states, icons, links to documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from entrepot.kernel.cause import Actor
from entrepot.web import format as fmt
from entrepot.web import words
from entrepot.web.icons import PATHS

register = template.Library()

register.filter("number", fmt.number)
register.filter("money", fmt.money)
register.filter("amount", fmt.amount)
register.filter("price", fmt.price)
register.filter("day", fmt.day)
register.filter("month", fmt.month)
register.filter("age", fmt.age)
register.filter("word", words.word)
register.filter("sentence", words.sentence)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon; without a label it is only an ornament."""
    told = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" {}><path d="{}"/></svg>', told, PATHS[name]
    )


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A time, short, with the exact one on hovering."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), fmt.exact(value), fmt.moment(value)
    )


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
    text = gettext("late by %(span)s") if late else gettext("in %(span)s")
    return format_html(
        '<time datetime="{}" title="{}" class="due{}">{}</time>',
        value.isoformat(), fmt.exact(value), " late" if late else "", text % {"span": fmt.span(left)},
    )  # fmt: skip


@register.filter
def state(value: str) -> SafeString:
    """A state as a badge; its color repeats what its word says."""
    return format_html('<span class="state {}">{}</span>', words.tone(value), words.word(value))


@register.filter
def may(actor: Actor, command: str) -> bool:
    return actor.may(command)


@register.filter
def get(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key, "")


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: Any) -> str:
    """The query of this page with some of its parameters changed; '' takes one out."""
    request: HttpRequest = context["request"]
    kept = {name: value for name, value in request.GET.items() if name not in changes}
    kept |= {name: str(value) for name, value in changes.items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else "?"


@register.simple_tag
def document_url(kind: str, which: UUID | str | None) -> str:
    """The page of a document by kind and id; '' where there is none."""
    if which is None:
        return ""
    named = {"order": "order", "sku": "sku", "work_item": "work-item"}.get(kind)
    try:
        return reverse(named, args=[which]) if named else reverse("document", args=[kind, which])
    except NoReverseMatch:
        return ""


@register.simple_tag
def document(kind: str, which: UUID | str | None, name: str = "") -> SafeString | str:
    """A link to a document, by its number where that is known."""
    url = document_url(kind, which)
    text = name or f"{words.word(kind)} {str(which)[-8:]}"
    return format_html('<a href="{}">{}</a>', url, text) if url else text


@register.filter
def facts(value: Any) -> SafeString | str:
    """Facts of an event or a decision as a list of names and values, for reading."""
    if value in (None, "", {}, []):
        return ""
    if isinstance(value, Mapping):
        rows = format_html_join(
            "", "<div><dt>{}</dt><dd>{}</dd></div>",
            ((words.word(str(name)), _fact(str(name), one)) for name, one in value.items()),
        )  # fmt: skip
        return format_html('<dl class="facts">{}</dl>', rows)
    return _fact("", value)


def _fact(name: str, value: Any) -> SafeString | str:
    if isinstance(value, Mapping):
        return facts(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        if not value:
            return gettext("none")
        if all(not isinstance(one, (Mapping, list, tuple)) for one in value):
            return format_html_join(", ", "{}", ((_fact(name, one),) for one in value))
        return format_html(
            '<ul class="plain">{}</ul>', format_html_join("", "<li>{}</li>", ((_fact(name, one),) for one in value))
        )
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None:
        return "–"
    if isinstance(value, (datetime, date)):
        return fmt.exact(value) if isinstance(value, datetime) else fmt.day(value)
    if isinstance(value, (int, float, Decimal)):
        return fmt.number(value)
    return str(value)


def _text(value: str) -> SafeString | str:
    """Keys are shortened to their last eight digits: their chance part."""
    try:
        UUID(value)
    except ValueError:
        return value
    return format_html('<code title="{}">…{}</code>', value, value[-8:])
