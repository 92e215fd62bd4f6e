"""Numbers, money and times as the reader of a page writes them: their locale and their zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from unicodedata import bidirectional
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel import Locale, UnknownLocaleError, dates, numbers
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext, ngettext

from entrepot.catalog.packagings import Pieces
from entrepot.kernel import money as kernel_money
from entrepot.languages import LANGUAGES

NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Reading:
    """How the person at the other end reads."""

    locale: Locale = field(default_factory=lambda: Locale("en", "GB"))
    zone: tzinfo = UTC
    now: datetime = field(default_factory=timezone.now)


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


def pieces(found: Iterable[Pieces]) -> str:
    """Units as they are handled, such as `2 cases of 12, 3 loose`; '' where all are loose."""
    told: list[str] = []
    for one in found:
        facts = {"n": number(one.number), "units": number(one.units)}
        if one.kind == "pallet":
            text = ngettext("%(n)s pallet of %(units)s", "%(n)s pallets of %(units)s", one.number)
        elif one.kind == "case":
            text = ngettext("%(n)s case of %(units)s", "%(n)s cases of %(units)s", one.number)
        elif told:
            text = gettext("%(n)s loose")
        else:
            return ""
        told.append(text % facts)
    return ", ".join(told)


def reading() -> Reading:
    return _reading.get() or Reading()


@contextmanager
def read_by(one: Reading) -> Iterator[None]:
    """Within this block pages are written for one reader."""
    token = _reading.set(one)
    try:
        yield
    finally:
        _reading.reset(token)


@lru_cache(1000)
def locale_of(accepted: str, chosen: str = "") -> Locale:
    """The first known locale of an Accept-Language header, of the chosen language where there is one.

    Without such, the chosen language alone, or British English.
    """
    found = list(_locales(accepted))
    if chosen in LANGUAGES:
        return next((one for one in found if one.language == chosen), Locale(chosen))
    return next(iter(found), Locale("en", "GB"))


def _locales(accepted: str) -> Iterator[Locale]:
    for part in accepted[:200].split(","):
        tag = part.partition(";")[0].strip()
        if not tag or tag == "*":
            continue
        with suppress(UnknownLocaleError, ValueError):
            yield Locale.parse(tag, sep="-")


def zone_of(name: str | None) -> tzinfo:
    """The zone that the browser named, or UTC."""
    if not name or name not in _zones():
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {
        "localtime"
    }  # a file of some machines, which no database knows


def number(value: Decimal | float | None) -> str:
    """A quantity with its groups of thousands."""
    return "" if value is None else numbers.format_decimal(value, locale=reading().locale)


def degrees(value: float | None) -> str:
    """A latitude or longitude with every digit that it has, as its reader types it."""
    if not isinstance(value, float):
        return ""
    exact = Decimal(repr(value))
    return numbers.format_decimal(exact, format="0.##############", locale=reading().locale)


def percent(share: float) -> str:
    """A share of 1, to a tenth of a percent."""
    return numbers.format_percent(share, format="#,##0.0 %", locale=reading().locale)


def rate(share: float) -> str:
    """A rate of tax, with all the digits that tell it from another: `20 %`, `7.25 %`."""
    return numbers.format_percent(share, format="#,##0.#### %", locale=reading().locale)


def exchange_rate(value: Decimal) -> str:
    """What one of another currency is worth, with every digit that it has: four say nothing of a yen."""
    return numbers.format_decimal(
        value, format="0.0000##########", locale=reading().locale, decimal_quantization=False
    )


def tenth(value: float) -> str:
    """A measure, to a tenth."""
    return numbers.format_decimal(value, format="#,##0.0", locale=reading().locale)


def hundredth(value: float) -> str:
    """A measure, to a hundredth."""
    return numbers.format_decimal(value, format="#,##0.00", locale=reading().locale)


def money(minor: int | None, currency: str) -> str:
    """An amount in minor units, with its currency's sign and digits."""
    if minor is None:
        return ""
    amount = Decimal(minor).scaleb(-kernel_money.exponent(currency))
    return numbers.format_currency(
        amount, currency, locale=reading().locale, currency_digits=False, format=_pattern(currency)
    )


@cache
def _money_format(locale: Locale, digits: int) -> str:
    pattern = str(locale.currency_formats["standard"].pattern)
    return pattern.replace("0.00", "0." + "0" * digits if digits else "0")


def _pattern(currency: str) -> str:
    return _money_format(reading().locale, kernel_money.exponent(currency))


def amount(minor: int | None, currency: str) -> str:
    """The same without the sign of the currency, for columns whose head names it."""
    if minor is None:
        return ""
    digits = kernel_money.exponent(currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(Decimal(minor).scaleb(-digits), format=pattern, locale=reading().locale)


def example(currency: str) -> str:
    """An amount as its reader writes it, for sentences that ask for one: 12.50, 12,50, or 12 of what has no digits."""
    return amount(25 * 10 ** kernel_money.exponent(currency) // 2, currency)


def price(value: Decimal | None, currency: str) -> str:
    """A unit price: the currency's digits; where it has more, four, so that a column of them stands in line, and all of
    them where it is less than one."""
    if value is None:
        return ""
    digits = kernel_money.exponent(currency)
    own = max(digits, -int(value.normalize().as_tuple().exponent))
    if own > digits:
        own = max(4, own if abs(value) < 1 else 4)
    pattern = "#,##0" + ("." + "0" * own if own else "")
    return numbers.format_decimal(value, format=pattern, locale=reading().locale)


def moment(value: datetime | None) -> str:
    """Day and time, short; without the year where it is this one."""
    if value is None:
        return ""
    here, now = value.astimezone(reading().zone), reading().now.astimezone(reading().zone)
    if here.date() == now.date():
        return dates.format_time(here, "HH:mm", locale=reading().locale)
    skeleton = "MMMd" if here.year == now.year else "yMMMd"
    day = dates.format_skeleton(skeleton, here, locale=reading().locale)
    return f"{day}, {dates.format_time(here, 'HH:mm', locale=reading().locale)}".replace(" ", NBSP)


def exact(value: datetime | None) -> str:
    """Day, time to the second, and zone: what hovering tells."""
    if value is None:
        return ""
    return dates.format_datetime(
        value.astimezone(reading().zone), "d MMM y, HH:mm:ss z", locale=reading().locale
    )


def day(value: date | None) -> str:
    """A day; of a moment, that on which it is where the reader is."""
    here = value.astimezone(reading().zone) if isinstance(value, datetime) else value
    return "" if here is None else dates.format_date(here, "medium", locale=reading().locale)


def weekdays() -> list[str]:
    """Monday to Sunday, short."""
    return [str(WEEKDAYS_ABBR[one]) for one in range(7)]


def week(cut_offs: Mapping[int, time]) -> str:
    """The cut-offs of a week in words: the days of each time together."""
    days, names = defaultdict(list), weekdays()
    for one, at in sorted(cut_offs.items()):
        days[at].append(names[one])
    return "; ".join(f"{', '.join(some)} {at:%H:%M}" for at, some in days.items())


def country(code: str) -> str:
    """A country's name, as papers write it; its code where it has none."""
    return str(reading().locale.territories.get(code, code))


def told_day(name: str) -> str:
    """A day or month that a group is named by, such as 2026-11-28 or 2026-11, in words; any other name as it is."""
    with suppress(ValueError):
        if len(name) == 7:
            return month(date.fromisoformat(f"{name}-01"))
        if len(name) == 10:
            return day(date.fromisoformat(name))
    return name


def month(value: date | None) -> str:
    return "" if value is None else dates.format_skeleton("yMMMM", value, locale=reading().locale)


_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_YEAR = 365 * _DAY


def age(value: datetime | None) -> str:
    """How long ago, in the largest unit that tells something: 4 min, 3 h, 2 d."""
    return "" if value is None else span(reading().now - value)


def span(length: timedelta) -> str:
    """A length of time in its largest unit; the sign is left to the words around it."""
    seconds = abs(int(length.total_seconds()))
    if seconds < _MINUTE:
        return gettext("now")
    if seconds < _HOUR:
        return gettext("%(n)s min").replace("%(n)s", str(seconds // _MINUTE)).replace(" ", NBSP)
    if seconds < 2 * _DAY:
        return gettext("%(n)s h").replace("%(n)s", str(seconds // _HOUR)).replace(" ", NBSP)
    if seconds < 2 * _YEAR:
        days = seconds // _DAY
        return (ngettext("%(n)s day", "%(n)s days", days) % {"n": number(days)}).replace(" ", NBSP)
    years = seconds // _YEAR
    return (ngettext("%(n)s year", "%(n)s years", years) % {"n": years}).replace(" ", NBSP)


def ahead(length: timedelta) -> str:
    """In so much time. What is days away is said by the locale: some languages bend the word (in 2 Tagen)."""
    if length < timedelta(days=2):
        return gettext("in %(span)s") % {"span": span(length)}
    said = dates.format_timedelta(
        timedelta(days=length.days),
        granularity="day",
        threshold=10_000,
        add_direction=True,
        locale=reading().locale,
    )
    before, _, unit = said.rpartition(" ")
    return f"{before}{NBSP}{unit}"


def apart(text: str) -> str:
    """A text within a sentence of another: where it runs from right to left, what stands beside it stays in place."""
    runs_left = any(bidirectional(letter) in ("R", "AL") for letter in text)
    return f"\u2068{text}\u2069" if runs_left else text


def months_later(month: date, months: int = 1) -> date:
    """The first day of the month that comes so many after a day's; below zero before it."""
    years, place = divmod(month.month - 1 + months, 12)
    return date(month.year + years, place + 1, 1)


def start_of(day: date) -> datetime:
    """When a day begins where the reader is."""
    return datetime.combine(day, time.min, reading().zone)
