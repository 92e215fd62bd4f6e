"""Advice in words: what is suggested, why, and what its making was worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from entrepot.insight.advising import DEMAND, KINDS, LABOR, PRIORITY, REASON, SURGE, needs
from entrepot.insight.suggestions import Fitting, Suggestion
from entrepot.kernel.cause import Actor
from entrepot.returns.rules import REASONS
from entrepot.web import format as fmt
from entrepot.web import words

NAMES = {
    REASON: _("Reasons of returns"),
    DEMAND: _("Demand"),
    LABOR: _("People for shifts"),
    PRIORITY: _("Order of work"),
}


class Told(NamedTuple):
    """A suggestion, in one sentence, with the sum that it comes from; and whether its reader may decide on it."""

    one: Suggestion
    says: str
    because: tuple[str, ...]
    may: bool


def told(found: Iterable[Suggestion], actor: Actor, currency: str) -> list[Told]:
    return [Told(one, says(one), because(one, currency), may_decide(one, actor)) for one in found]


def may_decide(one: Suggestion, actor: Actor) -> bool:
    return all(map(actor.may, ("insight.accept_suggestions", *needs(one.kind, one.suggested))))


def kinds_of(actor: Actor) -> tuple[str, ...]:
    """The kinds that somebody may decide on; all for whoever only looks."""
    tried: dict[str, list[dict[str, str]]] = {kind: [{}] for kind in KINDS}
    tried[DEMAND].append({"anomaly": SURGE})
    may = [kind for kind in KINDS if any(all(map(actor.may, needs(kind, one))) for one in tried[kind])]
    return tuple(may) or KINDS


def says(one: Suggestion) -> str:
    """What is suggested."""
    told = one.suggested
    match one.kind:
        case "return reason":
            return gettext("%(what)s: the reason is “%(reason)s” rather than “%(was)s”.") % {
                "what": one.number, "reason": _reason(told["reason"]), "was": _reason(told["instead_of"]),
            }  # fmt: skip
        case "demand":
            sentence = (
                gettext(
                    "%(what)s sold far more than usual in %(channel)s on %(day)s: look whether to order it."
                )
                if told["anomaly"] == SURGE
                else gettext(
                    "%(what)s sold far less than usual in %(channel)s on %(day)s: look what keeps it."
                )
            )
            return sentence % {"what": one.number, "channel": told["channel"], "day": _day(told["day"])}
        case "labor":
            many = ngettext("%(n)s person", "%(n)s people", told["people"]) % {
                "n": fmt.number(told["people"])
            }
            return gettext(
                "%(people)s for %(step)s at %(what)s on %(day)s, shift %(shift)s (%(low)s to %(high)s)."
            ) % {
                "people": many, "step": words.word(told["step"]), "what": one.number, "day": _day(told["day"]),
                "shift": words.word(told["shift"]), "low": told["low"], "high": told["high"],
            }  # fmt: skip
        case _:
            return gettext(
                "%(what)s: raise its priority to %(priority)s; it stands at place %(now)s and should at %(place)s."
            ) % {
                "what": words.sentence(one.number), "priority": told["priority"], "now": told["place_now"],
                "place": told["place"],
            }  # fmt: skip


def because(one: Suggestion, currency: str) -> tuple[str, ...]:
    """Why, with sums that a person can check; nothing where it went with whoever was erased."""
    return _BECAUSE[one.kind](one.reasons, currency) if one.reasons else ()


def _of_reason(told: Mapping[str, Any], _currency: str) -> tuple[str, ...]:
    spoke = ", ".join(f"{_feature(word)} {weight:+.2f}" for word, weight in told["words"])
    return (
        gettext(
            "Words of the comment, for it and against “%(next)s”: %(words)s; others %(others)s; how common each is "
            "%(common)s; together %(sum)s."
        )
        % {
            "next": _reason(told["next"]), "words": spoke, "others": f"{told['others']:+.2f}",
            "common": f"{told['common']:+.2f}", "sum": f"{told['sum']:+.2f}",
        },
        gettext(
            "Of %(n)s inspected returns held out %(accuracy)s were told right, by the commonest alone %(baseline)s."
        ) % {
            "n": fmt.number(told["examples"]), "accuracy": fmt.percent(told["accuracy"]),
            "baseline": fmt.percent(told["baseline"]),
        },
    )  # fmt: skip


def _of_demand(told: Mapping[str, Any], _currency: str) -> tuple[str, ...]:
    found = [
        gettext("%(seen)s units, where %(expected)s ± %(spread)s were expected by %(weeks)s weeks before.")
        % {
            "seen": fmt.number(told["seen"]), "expected": fmt.tenth(told["expected"]),
            "spread": fmt.tenth(told["spread"]), "weeks": told["weeks"],
        },
        gettext(
            "The chance of a day so far off is %(chance)s; of all %(series)s that were looked at, at most %(doubt)s of "
            "those told with it are false."
        )
        % {
            "chance": f"{told['chance']:.2g}", "series": fmt.number(told["series"]), "doubt":
            fmt.percent(told["doubt"]),
        },
        gettext("On hand that day: %(began)s when it began, %(ended)s when it ended.")
        % {"began": fmt.number(told["began_with"]), "ended": fmt.number(told["ended_with"])},
    ]  # fmt: skip
    if told["campaigns"]:
        ran = ", ".join(f"{name} {fmt.number(units)}" for name, units in told["campaigns"].items())
        found.append(gettext("Units sold under campaigns and promotions: %(ran)s.") % {"ran": ran})
    return tuple(found)


def _of_labor(told: Mapping[str, Any], _currency: str) -> tuple[str, ...]:
    hours = ", ".join(fmt.tenth(one) for one in told["hours_before"])
    return (
        gettext(
            "%(hours)s hours of work in a shift of %(shift)s hours; the same weekdays before took %(before)s."
        )
        % {"hours": fmt.tenth(told["hours"]), "shift": fmt.tenth(told["shift_hours"]), "before": hours},
        gettext(
            "Forecasts of the %(n)s days before were off by %(wape)s of the work; the interval holds %(within)s."
        )
        % {"n": told["tried"], "wape": fmt.percent(told["wape"]), "within": fmt.percent(told["within"])},
    )


def _of_priority(told: Mapping[str, Any], currency: str) -> tuple[str, ...]:
    value = fmt.money(told["value_minor"], currency)
    stake = value if told["value_known"] else gettext("%(value)s (by the policy)") % {"value": value}
    return (
        gettext("Expected cost of waiting %(cost)s: %(value)s at stake, times a chance of %(chance)s to miss its time.")
        % {
            "cost": fmt.money(told["cost_minor"], currency), "value": stake, "chance": fmt.percent(told["chance"]),
        },
        gettext("Of %(of)s items of its type that were open for %(hours)s hours, %(late)s took longer than it has.")
        % {"of": fmt.number(told["of"]), "hours": fmt.tenth(told["waited_hours"]), "late": fmt.number(told["late"])},
    )  # fmt: skip


_BECAUSE = {REASON: _of_reason, DEMAND: _of_demand, LABOR: _of_labor, PRIORITY: _of_priority}


def worth(one: Fitting) -> str:
    """What the making of a kind was worth on what it had not seen."""
    told, on = one.measured, one.fitted_on
    match one.kind:
        case "return reason" if "accuracy" in told:
            return gettext("right for %(accuracy)s of %(n)s, by the commonest alone %(baseline)s") % {
                "accuracy": fmt.percent(told["accuracy"]), "n": fmt.number(on["examples"]),
                "baseline": fmt.percent(told["baseline"]),
            }  # fmt: skip
        case "return reason":
            return gettext("%(n)s inspected returns with a comment, %(needed)s are needed") % {
                "n": fmt.number(on["examples"]), "needed": fmt.number(on["needed"]),
            }  # fmt: skip
        case "demand":
            return gettext("%(found)s of %(series)s, %(out)s of them without stock; at most %(share)s by chance") % {
                "found": fmt.number(told["found"]), "series": fmt.number(on["series"]),
                "out": fmt.number(told["explained_by_stock"]), "share": fmt.percent(told["false_share_max"]),
            }  # fmt: skip
        case "labor" if "wape" in told:
            return gettext("off by %(wape)s of the work over %(n)s days") % {
                "wape": fmt.percent(told["wape"]), "n": fmt.number(told["tried"]),
            }  # fmt: skip
        case "priority" if "in_dearest_third" in told:
            return gettext("%(share)s of %(late)s late items stood in its first third") % {
                "share": fmt.percent(told["in_dearest_third"]), "late": fmt.number(told["late"]),
            }  # fmt: skip
        case _:
            return gettext("too little history")


def _reason(code: str) -> str:
    return gettext(REASONS[code].says) if code in REASONS else code


def _feature(word: str) -> str:
    """A word, a category or a SKU as people write it."""
    return word.lstrip("#@") if word[:1] in "#@" else f"“{word}”"


def _day(text: str) -> str:
    return str(fmt.day(date.fromisoformat(text)))
