"""Packing with a scanner: every unit is checked, then the carton is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused
from entrepot.orders import queries as orders
from entrepot.shipping import queries as shipping
from entrepot.warehouse import checking, floor_queries, packing, queries
from entrepot.warehouse.cartons import OWN
from entrepot.warehouse.checking import Wanted
from entrepot.warehouse.commands.pack import PackedPart, PackFulfillment, pack
from entrepot.warehouse.errors import WeightOff
from entrepot.web import letters
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    finish,
    hear,
    keep,
    node_of,
    over,
    progress,
    show,
    today_of,
)
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Keep, Scan, astray

CARTONS_MAX = 8
"""Cartons that can be tapped; others are scanned or typed."""
HANDED_OVER_MAX = 5
"""Packed fulfillments on the screen, the most urgent first; others are opened by a scan on the page of packing."""
WAITS = {
    "": gettext_lazy("packed: label it and hand it over"),
    "asked": gettext_lazy("packed: its label is being bought"),
    "failed": gettext_lazy("packed: its label was refused, open it"),
    "in doubt": gettext_lazy("packed: its label was perhaps bought, open it"),
    "bought": gettext_lazy("packed: its label is there, open it"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """What waits to be packed; a scan of a tote, a place, an order or a fulfillment opens it."""

    def screen() -> Screen:
        node = node_of(request)
        company = request.reader.company.id
        rows = queries.waiting("pack", company=company, node=node.id, limit=20) if node else []
        return Screen(
            gettext("Pack"),
            gettext("Scan a tote or an order") if rows else gettext("Nothing waits to be packed"),
            note="" if rows else gettext("It appears here when an order is picked."),
            choices=(*(_choice(one) for one in rows), *_to_hand_over(request)),
            scans=gettext("Tote, place or order"),
        )

    if request.method == "POST":
        at = Progress("pack jobs", UUID(int=0), (), 0)
        return hear(request, at, (), screen, lambda scan, _: _open(request, scan))
    return show(request, screen())


def _choice(one: queries.FulfillmentRow) -> Choice:
    units = ngettext("%(n)s unit", "%(n)s units", one.picked) % {"n": one.picked}
    return Choice(reverse("scan-pack-one", args=[one.id]), one.number, f"{one.order_number} · {units}")


def _to_hand_over(request: Request) -> list[Choice]:
    """What was packed and no carrier has yet, for whoever may hand it over: the label is made on its page."""
    node = node_of(request)
    if node is None or not request.reader.actor.may("shipping.ship"):
        return []
    company = request.reader.company.id
    rows = queries.waiting("ship", company=company, node=node.id, limit=HANDED_OVER_MAX)
    of_these = shipping.consignments(company, fulfillments=[one.id for one in rows]) if rows else []
    begun = {one.fulfillment: one.stage for one in of_these}
    return [
        Choice(
            reverse("packing", args=[one.id]), one.number, str(WAITS.get(begun.get(one.id, ""), WAITS[""]))
        )
        for one in rows
    ]


def _open(request: Request, scan: Scan) -> Outcome:
    node, text = node_of(request), scan.text.upper()
    held = floor_queries.held_by(node=node.id, tote=text) if node else None
    found = [held] if held else floor_queries.fulfillments_named(company=request.reader.company.id, text=text)
    rows = [row for one in found if (row := queries.fulfillment(one))]
    ready = next((row for row in rows if row.state == "picked"), None)
    if ready:
        return redirect("scan-pack-one", ready.id)
    if rows and rows[0].state in ("packed", "shipped"):
        return errors.ScanDone(scanned=rows[0].number, wanted=gettext("another tote or order"))
    if rows:
        lists = ", ".join(floor_queries.still_elsewhere(rows[0].id)) or gettext("its last picks")
        return errors.ScanOutOfTurn(
            scanned=rows[0].number, wanted=gettext("what is missing: %(lists)s") % {"lists": lists}
        )
    return astray(scan, gettext("a tote or an order that is picked"), ("name",))


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The units of a fulfillment one by one, then its carton."""
    found = queries.fulfillment(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    if found.state != "picked":
        return over(request, "pack", which, ("warehouse.pack",), "scan-pack")
    wanted = [
        Wanted(row.sku, row.code, row.units, row.serials, row.lots, row.to_note)
        for row in floor_queries.picked([which])
    ]
    at = progress(request, "pack", which)
    known = packing.cartons([found.company])[found.company]
    policy = packing.policy_of(found.company, found.node_code, timezone.now())
    codes = [*(one.code for one in known.usable), OWN]

    def screen() -> Screen:
        return _screen(found, wanted, at, codes, policy)

    def decide(scan: Scan, key: str) -> Outcome:
        nonlocal at
        gone_off = packing.Expiring.of([which]).refusal(which, timezone.now())
        if gone_off:
            return gone_off
        answer = checking.scanned(
            wanted, at.tokens, scan, today_of(node_of(request)), codes, one_by_one=policy.verify == "unit"
        )
        if not isinstance(answer, checking.Packed):
            return _known_elsewhere(wanted, answer) or answer
        asked = _asked(found, answer, known, policy, at.tokens, key)
        if isinstance(asked, PackFulfillment):
            asked = replace(asked, scanned=checking.proven(wanted, at.tokens))
        if isinstance(asked, PackFulfillment) and any(one.to_note for one in wanted):
            lines = [(one.line, one.sku, one.to_note or 0) for one in packing.contents([which])[which]]
            asked = replace(asked, serials=tuple(checking.noted(wanted, at.tokens, lines)))
        done = asked if isinstance(asked, Refused) else finish(request, at, pack, asked)
        if isinstance(done, WeightOff) and isinstance(asked, PackFulfillment):
            off = _off(done, answer, asked)
            if off is not None:
                keep(request, at, (*at.tokens, f"again|{off}"), None)
                at = progress(request, "pack", which)
        if isinstance(done, Refused):
            return done
        told = {
            "number": found.number,
            "cartons": ", ".join((done.carton, *(more.carton for more in done.more))),
        }
        messages.success(request, gettext("%(number)s is packed: %(cartons)s.") % told)
        return redirect("scan-pack")

    if request.method == "POST":
        return hear(request, at, ("warehouse.pack",), screen, decide)
    return show(request, screen())


def _known_elsewhere(wanted: Sequence[Wanted], answer: Keep | Refused) -> Refused | None:
    """Told as soon as a number is read, and not when all is packed."""
    unit = checking.new_serial(wanted, answer) if isinstance(answer, Keep) else None
    return packing.elsewhere([unit]).get(unit) if unit else None


def _asked(
    found: queries.FulfillmentRow,
    answer: checking.Packed,
    known: packing.Cartons,
    policy: packing.Packing,
    tokens: Sequence[str],
    key: str,
) -> PackFulfillment | Refused:
    """What was checked, as it is packed: in one carton, as proposed, or, where some were full before, in several. Of
    several that are proposed each has its weight, or none."""
    if not answer.closed and (answer.carton or answer.weight_g is None):
        return PackFulfillment(found.id, answer.carton, answer.weight_g, weight_note=answer.note, key=key)
    inside = packing.contents([found.id]).get(found.id, [])
    *full, rest = checking.by_line(
        [one.units for one in answer.closed], [(each.line, each.sku, each.units) for each in inside]
    )
    parts = [
        PackedPart(one.carton, tuple(units.items()), one.weight_g)
        for one, units in zip(answer.closed, full, strict=True)
    ]
    if answer.carton and rest:
        parts.append(PackedPart(answer.carton, tuple(rest.items()), answer.weight_g))
    else:
        boxes = packing.boxes(_of(inside, rest), known, policy)
        said = checking.in_turn(tokens, len(boxes)).said
        if said and len(said) < len(boxes):
            return errors.ScanOutOfTurn(
                scanned=boxes[len(said) - 1].carton.code, wanted=_weight_of(boxes, len(said))
            )
        weights: Sequence[int | None] = said or [None] * len(boxes)
        parts += [
            PackedPart(box.carton.code, tuple(box.units.items()), weight)
            for box, weight in zip(boxes, weights, strict=True)
        ]
    return PackFulfillment(found.id, parts=tuple(parts), weight_note=answer.note, key=key)


def _off(refused: WeightOff, answer: checking.Packed, asked: PackFulfillment) -> int | None:
    """Which of several packages that are proposed was refused, from 0: it alone is weighed again."""
    weighed = [(part.carton, part.weight_g) for part in asked.parts]
    found = (refused.facts["carton"], refused.facts["found"])
    place = weighed.index(found) - len(answer.closed) if found in weighed else -1
    return place if place >= 0 and not answer.carton and len(weighed) - len(answer.closed) > 1 else None


def _weight_of(boxes: Sequence[packing.Box], place: int) -> str:
    """What is to be weighed next."""
    return gettext("the weight of %(place)s. %(carton)s, as 850 g") % {
        "place": place + 1, "carton": boxes[place].carton.code,
    }  # fmt: skip


def _of(inside: Sequence[packing.Contents], units: Mapping[UUID, int]) -> list[packing.Contents]:
    """Of what is inside, so many units of each line."""
    return [each._replace(units=units[each.line]) for each in inside if units.get(each.line)]


def _screen(
    found: queries.FulfillmentRow,
    wanted: list[Wanted],
    at: Progress,
    codes: Sequence[str],
    policy: packing.Packing,
) -> Screen:
    left = checking.open_units(wanted, at.tokens)
    total = sum(one.units for one in wanted)
    checked = total - sum(units for _, units in left)
    totes = ", ".join(floor_queries.totes_of(found.id))
    on_carts = ", ".join(floor_queries.still_elsewhere(found.id))
    gift = orders.gift_message(found.order)
    facts = [
        (gettext("Order"), found.order_number),
        (gettext("Totes"), totes),
        (gettext("Still on"), on_carts),
        (gettext("Gift message"), gift),
        (gettext("Not on the slip, write it by hand"), " ".join(letters.missing(gift))),
        (gettext("Closed"), _closed(at)),
    ]
    if checking.asks_carton(at.tokens):
        return _full(found, codes, (checked, total), facts, at)
    waits = next((one for one in wanted if str(one.sku) == checking.unread(at.tokens)), None)
    if waits:
        return Screen(
            found.number, gettext("Scan its serial number"), waits.code, units=(checked, total),
            facts=tuple(fact for fact in facts if fact[1]), scans=gettext("Serial number"), at=str(found.id),
            can_undo=True, back="scan-pack",
        )  # fmt: skip
    if not left:
        boxes, inside = _proposed(found, at, {one.sku: one.code for one in wanted}, policy)
        facts += inside
        return _carton(found, boxes, (checked, total), facts, at)
    open_ones = " · ".join(f"{units} × {one.code}" for one, units in left[1:6])
    facts.append((gettext("Then"), open_ones))
    first, units = left[0]
    last = at.tokens[-1].split("|")[0] if at.tokens else ""
    rest = next((n for one, n in left if str(one.sku) == last and n > 1 and not one.by_serial), 0)
    code = next((one.code for one, _ in left if str(one.sku) == last), "")
    told = gettext("All %(n)s of %(code)s") % {"n": rest, "code": code}
    taps = [Tap(ALL, told, "main")] if rest and policy.verify != "unit" else []
    if checking.tallies(checking.at_hand(at.tokens)):
        taps.append(Tap(checking.FULL, gettext("This carton is full"), "quiet"))
    return Screen(
        found.number, gettext("Scan every unit"), f"{units} × {first.code}", units=(checked, total),
        facts=tuple(fact for fact in facts if fact[1]), taps=tuple(taps),
        scans=gettext("Item"), at=str(found.id), can_undo=bool(at.tokens), back="scan-pack",
    )  # fmt: skip


def _closed(at: Progress) -> str:
    """The cartons that were full, each with its units."""
    return ", ".join(f"{one.carton} ({sum(one.units.values())})" for one in checking.closed(at.tokens))


def _full(
    found: queries.FulfillmentRow, codes: Sequence[str], units: tuple[int, int],
    facts: list[tuple[str, str]], at: Progress,
) -> Screen:  # fmt: skip
    """A carton is full: which one, and what it weighs where there is a scale."""
    scale = checking.weighed(at.tokens)
    weight = gettext("%(n)s g") % {"n": scale.weight_g} if scale.weight_g else ""
    inside = sum(tally.units for tally in checking.tallies(checking.at_hand(at.tokens)).values())
    what = ngettext("%(n)s unit", "%(n)s units", inside) % {"n": inside}
    facts = [*facts, (gettext("Weight"), weight)]
    return Screen(
        found.number, gettext("Which carton is full?"), what, units=units,
        facts=tuple(fact for fact in facts if fact[1]), taps=tuple(Tap(code, code) for code in codes[:CARTONS_MAX]),
        scans=gettext("Carton, or the weight, as 850 g"), at=str(found.id), can_undo=True, back="scan-pack",
    )  # fmt: skip


def _proposed(
    found: queries.FulfillmentRow, at: Progress, codes: Mapping[UUID, str], policy: packing.Packing
) -> tuple[list[packing.Box], list[tuple[str, str]]]:
    """The cartons that what is at hand should go into; what fills them; and what goes into each, where they are
    several."""
    inside = packing.contents([found.id]).get(found.id, [])
    full = [one.units for one in checking.closed(at.tokens)]
    if full:
        inside = _of(
            inside, checking.by_line(full, [(each.line, each.sku, each.units) for each in inside])[-1]
        )
    boxes = packing.boxes(inside, packing.cartons([found.company])[found.company], policy)
    facts = []
    for place, box in enumerate(boxes, 1):
        fill = packing.filling(box, inside, policy)
        told = gettext("%(ml)s ml, %(g)s g") % {"ml": fill.ml, "g": fill.grams} if fill.ml else ""
        if len(boxes) == 1:
            facts.append((gettext("Dunnage"), told))
            continue
        goods = ", ".join(
            f"{box.units[one.line]} × {codes.get(one.sku, '')}" for one in inside if box.units.get(one.line)
        )
        filled = gettext("dunnage %(of)s") % {"of": told} if told else ""
        facts.append((f"{place}. {box.carton.code}", " · ".join(filter(None, (goods, filled)))))
    return boxes, facts


def _carton(
    found: queries.FulfillmentRow, boxes: Sequence[packing.Box], units: tuple[int, int], facts: list[tuple[str, str]],
    at: Progress,
) -> Screen:  # fmt: skip
    """The last step: what it goes into, and what it weighs where there is a scale: one after the other."""
    scale = checking.weighed(at.tokens)
    weights = checking.in_turn(at.tokens, len(boxes))
    weight = ", ".join(gettext("%(n)s g") % {"n": grams} for grams in weights.said)
    proposed = ", ".join(box.carton.code for box in boxes)
    facts = [*facts, (gettext("Weight"), weight), (gettext("It is right, because"), scale.note)]
    taps = [Tap(YES, gettext("Packed as shown"), "main")]
    if checking.has_weight(at.tokens) and not scale.note:
        taps.append(Tap(checking.WHY, gettext("The weight is right all the same"), "quiet"))
    if scale.asks_why:  # With gloves nobody types.
        whys = (gettext("Counted again, all is in it"), gettext("Its packing weighs more"))
        taps = [Tap(why, why) for why in whys]
    ask = gettext("All is right. Pack it into")
    return Screen(
        found.number, gettext("Say why the weight is right") if scale.asks_why else ask, proposed, units=units,
        facts=tuple(fact for fact in facts if fact[1]), taps=tuple(taps),
        scans=gettext("Why, or the weight again")
        if scale.asks_why
        else gettext("Another carton, or the weight, as 850 g")
        if len(boxes) < 2
        else gettext("Another carton, or %(weight)s") % {"weight": _weight_of(boxes, weights.next)},
        at=str(found.id), can_undo=True, back="scan-pack",
    )  # fmt: skip
