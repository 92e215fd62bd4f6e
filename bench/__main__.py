"""`make bench`: how fast the house is against hand-written SQL, in the same run, on a server as it is shipped."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time

from bench import (
    availability,
    books,
    hot_sku,
    house,
    import_year,
    joint,
    lines,
    month,
    one_by_one,
    packing,
    pages,
    picking,
    report,
    tracking,
    trying,
    validation,
    volume,
    walk,
    waves,
    way_back,
)

WORST = 25
"""Pages that are told once more, the slowest first."""

PARTS = (
    "walk",
    "one",
    "hot",
    "lines",
    "joint",
    "cartons",
    "pick",
    "wave",
    "tracking",
    "validate",
    "back",
    "books",
    "import",
    "promise",
    "trial",
    "pages",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it works")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=(), help="parts of it")
    parser.add_argument(
        "--long", action="store_true", help="also a wave of 1,000,000 lines, and 100,000 packings"
    )
    parser.add_argument(
        "--by", choices=("clock", "work"), default="clock",
        help="what pages are held to: work, where others use the machine too",
    )  # fmt: skip
    parser.add_argument(
        "--afresh", action="store_true", help="fill the house of the pages anew, not the one that was kept"
    )
    parser.add_argument("--server", metavar="URL", default="", help="a server to use, not one of its own")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds = 1
        arguments.orders, arguments.batch = min(arguments.orders, 600), min(arguments.batch, 300)

    def of(part: str) -> bool:
        return not arguments.only or part in arguments.only

    rows: list[report.Row] = []
    facts: dict[str, object] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "quick": arguments.quick,
    }
    if "pages" in arguments.only:  # of a house of its own; it takes minutes to fill
        few = volume.Wanted(orders=3_000, items=2_000, batch=300)
        rows += measure_pages(
            few if arguments.quick else volume.Wanted(), arguments.by, afresh=arguments.afresh
        )
        print("\n" + report.table(rows) + "\n")
        return 0 if arguments.quick or all(row.ok is not False for row in rows) else 1
    with house.opened(server=arguments.server):
        if of("walk"):
            found, steps = measure_walk(arguments.rounds, arguments.orders, arguments.batch)
            rows += found
            facts["milliseconds_per_1000_orders"] = steps
        if of("one"):
            rows += measure_one(arguments.rounds, arguments.orders // 5)
        if of("hot"):
            rows += measure_hot_sku(arguments.rounds, arguments.orders * 2)
        if of("lines"):
            rows += measure_lines(min(arguments.rounds, 3), 5_000 if arguments.quick else 1_000_000)
        if of("joint"):
            rows += measure_joint(arguments.rounds, 0.2 if arguments.quick else 10.0)
        if of("cartons"):
            packed = 100_000 if arguments.long else 10_000
            rows += measure_cartons(*((200, 5) if arguments.quick else (packed, 200)))
        if of("pick"):
            rows += measure_routes(20 if arguments.quick else 200)
            rows += measure_batches(8 if arguments.quick else 1)
            rows += measure_wave(300 if arguments.quick else 10_000)
        if of("wave"):
            lines_of_wave = 600 if arguments.quick else 100_000
            rows += measure_released(min(arguments.rounds, 3), lines_of_wave, is_long=arguments.long)
        if of("tracking"):
            rows += measure_tracking()
        if of("back"):
            found, steps = measure_back(arguments.rounds, arguments.orders // 3, arguments.batch // 3)
            rows.append(found)
            facts["milliseconds_per_1000_returned_lines"] = steps
        if of("validate"):
            rows += measure_validation(1_000 if arguments.quick else 100_000)
        if of("books"):
            rows += measure_books(60_000 if arguments.quick else 1_000_000)
            rows += measure_audit(arguments.rounds, arguments.orders // 2, arguments.batch // 4)
            rows += measure_verify(arguments.batch)
        if of("import") and not arguments.quick:
            rows += measure_import()
        if of("promise"):
            rows += measure_availability(*((100, 2_000) if arguments.quick else (1_500, availability.SKUS)))
        if of("trial") and not arguments.quick:
            rows += measure_trial(5_000)
    print("\n" + report.table(rows) + "\n")
    if "milliseconds_per_1000_orders" in facts:
        print(
            f"Milliseconds for 1,000 orders, ours (by hand): {_steps(facts['milliseconds_per_1000_orders'])}\n"
        )
    if "milliseconds_per_1000_returned_lines" in facts:
        steps = _steps(facts["milliseconds_per_1000_returned_lines"])
        print(f"Milliseconds for 1,000 returned lines, ours (by hand): {steps}\n")
    report.write(rows, facts)
    fit = bool(arguments.only) or arguments.quick or _pages_alone(arguments.by)
    return 0 if arguments.quick or (fit and all(row.ok is not False for row in rows)) else 1


def _pages_alone(by: str) -> bool:
    """In a process of its own, since Django is set up for one house."""
    asked = [sys.executable, "-m", "bench", "--only", "pages", "--by", by]
    return subprocess.run(asked, check=False).returncode == 0


def measure_walk(
    rounds: int, orders: int, batch: int
) -> tuple[list[report.Row], dict[str, dict[str, float]]]:
    sides: dict[str, list[walk.Sample]] = {"ours": [], "baseline": []}
    abreast: list[float] = []
    for i in range(rounds):
        for name, side in (("ours", walk.Ours), ("baseline", walk.Baseline)):
            sides[name].append(walk.run(side, orders, batch))
        ours, baseline = (sides[name][-1] for name in ("ours", "baseline"))
        unequal = walk.unequal(ours, baseline)
        if unequal:
            raise SystemExit("The two sides did not do the same:\n" + "\n".join(unequal))
        speed, books = walk.abreast(orders, batch)
        abreast.append(speed)
        if unlike := walk.unlike(ours.books[-1], books):
            raise SystemExit("Threads did not do the same as one connection:\n" + "\n".join(unlike))
        speeds = [one.per_second(walk.STEPS) for one in (ours, baseline)]
        _say(
            f"walk, round {i + 1}: {speeds[0]:,.0f} against {speeds[1]:,.0f} orders/s,"
            f" {speed:,.0f} in threads as a worker's"
        )
    rows = []
    for name, steps, floor in (
        (f"place + allocate, batches of {batch:,}", walk.FIRST, 2_500),
        (f"the whole walk, batches of {batch:,}", walk.STEPS, None),
    ):
        speeds = [[one.per_second(steps) for one in side] for side in sides.values()]
        rows.append(report.compared(name, "orders/s", *speeds, bar=0.4, floor=floor))
    name = "the whole walk, one process with a worker's threads"
    rows.append(
        report.Row(name, "orders/s", statistics.median(abreast), floor=1_000, rounds={"ours": abreast})
    )
    steps = {
        name: {
            step: statistics.median(one.seconds[step] for one in side) / orders * 1e6 for step in walk.STEPS
        }
        for name, side in sides.items()
    }
    return rows, steps


def measure_back(rounds: int, orders: int, batch: int) -> tuple[report.Row, dict[str, dict[str, float]]]:
    way_back.send(orders)
    sides: dict[str, list[way_back.Sample]] = {"ours": [], "baseline": []}
    for i in range(rounds):
        for name, side in (("ours", way_back.Ours), ("baseline", way_back.Baseline)):
            sides[name].append(way_back.run(side, batch))
        ours, baseline = (sides[name][-1] for name in ("ours", "baseline"))
        unequal = way_back.unequal(ours, baseline)
        if unequal:
            raise SystemExit("The two sides did not do the same:\n" + "\n".join(unequal))
        _say(
            f"way back, round {i + 1}: {ours.per_second():,.0f} against {baseline.per_second():,.0f} lines/s"
        )
    name = f"the way back, batches of {batch * 3:,}"
    speeds = [[one.per_second() for one in side] for side in sides.values()]
    row = report.compared(name, "lines/s", *speeds, bar=0.3, floor=500)
    steps = {
        name: {
            step: statistics.median(one.seconds[step] / one.lines for one in side) * 1e6 for step in way_back.STEPS
        }
        for name, side in sides.items()
    }  # fmt: skip
    return row, steps


def measure_one(rounds: int, orders: int) -> list[report.Row]:
    ours, ahead, baseline = [], [], []
    for i in range(rounds):
        ours.append(one_by_one.in_turn(orders))
        baseline.append(one_by_one.pgbench(orders))
        ahead.append(one_by_one.ours(orders))
        _say(
            f"one at a time, round {i + 1}: {ours[-1]:,.0f} against {baseline[-1]:,.0f} orders/s,"
            f" {ahead[-1]:,.0f} sent ahead"
        )
    return [
        report.compared("place one at a time, against pgbench", "orders/s", ours, baseline, bar=0.6),
        report.compared(
            "the same, statements sent ahead as the house does", "orders/s", ahead, baseline, bar=0.6
        ),
    ]


def measure_hot_sku(rounds: int, units: int) -> list[report.Row]:
    gathered, contending, alone, in_lists = [], [], [], []
    singly, empty, served_alone, empty_alone = [], [], [], []
    for i in range(rounds):
        gathered.append(hot_sku.gathered(units))
        in_lists.append(hot_sku.through_the_api(units * 2))
        contending.append(hot_sku.contending(units // 10))
        ours, command = (statistics.median(took) for took in hot_sku.alone(units // 20))
        alone.append(ours / command)
        carts, nothing = hot_sku.cart_by_cart(units // 10)
        singly.append(carts)
        empty.append(nothing)
        sent, directly, hello = (statistics.median(took) for took in hot_sku.served_alone(units // 100))
        served_alone.append(sent / directly)
        empty_alone.append(1e3 * hello)
        _say(
            f"one SKU, round {i + 1}: {in_lists[-1]:,.0f} through the API, {gathered[-1]:,.0f} in one process,"
            f" against {contending[-1]:,.0f} units/s, alone {alone[-1]:.2f} times the command; {carts:,.0f} carts/s"
            f" one by one where the server answers {nothing:,.0f} requests for nothing;"
            f" alone {1e3 * sent:.2f} ms served, {1e3 * directly:.2f} directly, {1e3 * hello:.2f} for nothing"
        )
    name = "one SKU, 2,000 requests in flight, against 16 threads"
    return [
        report.compared(name, "units/s", gathered, contending, bar=20, floor=10_000),
        report.compared(f"{name}, through the API", "units/s", in_lists, contending, bar=20, floor=10_000),
        report.compared(
            f"one SKU, a request for each cart on {hot_sku.CONNECTIONS} connections, against requests for nothing",
            "carts/s", singly, empty,
        ),
        report.Row(
            "a request that comes alone, times the command", "×", statistics.median(alone), floor=1.5,
            less_is_better=True, rounds={"ours": alone},
        ),
        report.Row(
            "a request that comes alone over HTTP, times the command", "×", statistics.median(served_alone), floor=1.5,
            less_is_better=True, rounds={"ours": served_alone},
        ),
        report.Row(
            "a request for nothing that comes alone over HTTP", "ms", statistics.median(empty_alone),
            less_is_better=True, rounds={"ours": empty_alone},
        ),
    ]  # fmt: skip


def measure_lines(rounds: int, count: int) -> list[report.Row]:
    looped = min(count, lines.LOOPED)
    lines.furnish(looped, lines.FEW)
    lines.furnish(count)
    ours, by_hand, loop, loops = [], [], [], []
    for i in range(rounds):
        a, b = lines.ours(), lines.by_hand()
        c, d = lines.in_a_loop(at_once=False), lines.in_a_loop(at_once=True)
        ours.append(count / a.seconds)
        by_hand.append(count / b.seconds)
        loop.append(looped / c.seconds)
        loops.append(looped / d.seconds)
        _say(
            f"lines, round {i + 1}: {a.seconds:.1f} s ({a.worked:.1f} s worked) against {b.seconds:.1f} s"
            f" ({b.worked:.1f}) by hand, {count / loop[-1]:.1f} s ({c.worked * count / looped:.1f}) in a loop and"
            f" {count / loops[-1]:.1f} s in two at once"
        )
    name = f"allocate {count:,} open lines, {count // 5:,} positions"
    return [
        report.compared(name, "lines/s", ours, by_hand, bar=0.5, floor=50_000),
        report.compared(f"{name}, against a loop over rows", "lines/s", ours, loop, bar=6),
        report.compared(f"{name}, against a loop in each of two connections", "lines/s", ours, loops),
    ]


def measure_availability(times: int, skus: int) -> list[report.Row]:
    availability.furnish(skus)
    api, query = availability.asked(times, skus)
    p50, p99 = statistics.median(api), statistics.quantiles(api, n=100)[98]
    alone = statistics.median(query)
    _say(f"availability: {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, the query alone {alone * 1e3:.2f} ms")
    return [
        report.Row("availability over HTTP, p99 times p50", "×", p99 / p50, floor=5, less_is_better=True),
        report.Row("availability over HTTP, times the query", "×", p50 / alone, floor=3, less_is_better=True),
    ]


def measure_validation(orders: int) -> list[report.Row]:
    validation.furnish()
    took, worked, alone, held = validation.judged(orders)
    whole = validation.placed(orders // 10)
    _say(
        f"validation: {orders / took:,.0f} orders/s with what is loaded"
        f" ({worked / orders * 1e6:,.0f} µs of this process each), {orders / alone:,.0f} judged alone,"
        f" {orders // 10 / whole:,.0f} placed; "
        + ", ".join(f"{kind} {n:,}" for kind, n in held.most_common())
    )
    name = f"validation of {orders:,} orders by all rules"
    return [
        report.Row(f"{name}, loaded and judged", "orders/s", orders / took, floor=5_000),
        report.Row(f"{name}, judged alone", "orders/s", orders / alone, floor=5_000),
        report.Row("placed whole, with all rules", "orders/s", orders // 10 / whole),
    ]


def measure_joint(rounds: int, seconds: float) -> list[report.Row]:
    took, gaps = [], []
    for i in range(rounds):
        spent, found, saved = joint.solved(i)
        took.append(spent)
        gaps.append(100 * found.gap)
        _say(
            f"joint sourcing, round {i + 1}: {spent:.1f} s, {saved:.1%} below the greedy plan, gap {gaps[-1]:.2f} %"
        )
    name = f"joint sourcing, {joint.LINES:,} lines × {joint.NODES} nodes"
    rows = [
        report.Row(name, "s", statistics.median(took), floor=5, less_is_better=True, rounds={"ours": took}),
        report.Row(
            f"{name}: the gap",
            "%",
            statistics.median(gaps),
            floor=1,
            less_is_better=True,
            rounds={"ours": gaps},
        ),
    ]
    known = joint.gaps(seconds)
    what = f"published warehouse locations in {seconds:g} s each: the mean gap"
    if not known:
        return [*rows, report.Row(what, "%", None, note=f"{joint.INSTANCES} is not here")]
    proved = [one for one, gap in known.items() if gap == 0]
    _say(
        f"{len(proved)} of {len(known)} proved; "
        + ", ".join(f"{one} {gap:.2%}" for one, gap in known.items())
    )
    return [
        *rows,
        report.Row(what, "%", 100 * statistics.mean(known.values()), rounds={"ours": list(known.values())}),
    ]


def measure_cartons(count: int, compared: int) -> list[report.Row]:
    names = (
        f"a carton proposed, mean of {count:,} orders of 1 to {packing.ITEMS_MAX} real units",
        "packings among them that are impossible",
        f"goods of {compared} such orders that fit one carton: its volume over the least, at worst",
        "those that need several: their volume over the least, at worst",
        "of both, goods whose least cartons nobody proved",
    )
    if not packing.products():
        return [report.Row(name, "", None, note=f"{packing.PRODUCTS} is not here") for name in names]
    took, wrong = packing.proposed(count)
    single, several = packing.against_exact(compared, 1.0)
    mean, undecided = 1e3 * statistics.mean(took), single.undecided + several.undecided
    _say(f"cartons: {mean:.1f} ms, {len(wrong)} impossible")
    for what, one in (("one", single), ("several", several)):
        _say(f"for {what}: {one.over:.2f} % over the least of {one.groups}, {one.undecided} not proved")
    return [
        report.Row(names[0], "ms", mean, floor=50, less_is_better=True),
        report.Row(names[1], "", float(len(wrong)), floor=0, less_is_better=True),
        report.Row(names[2], "%", single.over, floor=5, less_is_better=True),
        report.Row(names[3], "%", several.over, floor=5, less_is_better=True),
        report.Row(
            names[4], "", float(undecided), less_is_better=True, note="counted as if they were possible"
        ),
    ]


def measure_routes(times: int) -> list[report.Row]:
    rows = []
    for blocks, what in ((1, "one block"), (2, "two blocks"), (3, "three blocks")):
        took = [1e3 * seconds for seconds in picking.routed(blocks, times)]
        _say(f"routes, {what}: {statistics.median(took):.2f} ms, the slowest {max(took):.2f}")
        name = f"the shortest route of {picking.PICKS} picks, {what}"
        ceiling = 5 if blocks < 3 else None
        rows.append(
            report.Row(
                name, "ms", statistics.median(took), floor=ceiling, less_is_better=True, rounds={"ours": took}
            )
        )
    return rows


def measure_batches(every: int) -> list[report.Row]:
    names = (
        "batches of 100 orders, the slowest",
        "published batches, way saved of first come with S-shape: the mean",
        "published batches, way saved of first come with S-shape: the least",
        "published batches, way above the bound: the mean",
    )
    took, saved, above = [], [], []
    for name, floor in list(picking.published(100))[::every]:
        seconds, walked, before, least = picking.batched(floor)
        took.append(seconds)
        saved.append(100 * (1 - walked / before))
        above.append(100 * (walked / least - 1))
        _say(
            f"batches, {name}: {seconds:.1f} s, {saved[-1]:.1f} % shorter, {above[-1]:.1f} % above the bound"
        )
    if not took:
        return [report.Row(name, "", None, note=f"{picking.INSTANCES} is not here") for name in names]
    return [
        report.Row(names[0], "s", max(took), floor=10, less_is_better=True, rounds={"ours": took}),
        report.Row(names[1], "%", statistics.mean(saved), floor=20, rounds={"ours": saved}),
        report.Row(names[2], "%", min(saved), floor=20),
        report.Row(names[3], "%", statistics.mean(above), less_is_better=True, rounds={"ours": above}),
    ]


def measure_wave(lines: int) -> list[report.Row]:
    took = picking.wave(lines)
    _say(
        f"a wave of {took['lines']:,.0f} lines: {took['propose']:.1f} s to propose, {took['release']:.1f} s to release"
    )
    return [
        report.Row(f"a wave of {lines:,} lines, {step}", "s", took[step], less_is_better=True)
        for step in ("propose", "release")
    ]


def measure_released(rounds: int, lines: int, *, is_long: bool) -> list[report.Row]:
    name = f"a wave of {lines:,} lines on the floor, with its lists"
    waves.furnish(lines)
    ours, by_hand = [], []
    for i in range(rounds):
        (a, ours_told), (b, by_hand_told) = waves.ours(), waves.by_hand()
        if ours_told != by_hand_told:
            raise SystemExit("A wave by hand leaves other units, promises, lines or bins")
        ours.append(a.seconds)
        by_hand.append(b.seconds)
        _say(f"wave, round {i + 1}: {a.told()} against {b.told()} by hand, without lists")
    rows = [
        report.Row(
            name, "s", statistics.median(ours), floor=12, less_is_better=True, rounds={"ours": ours}
        ),
        report.compared(
            f"{name}, against hand-written SQL without", "lines/s", [lines / one for one in ours],
            [lines / one for one in by_hand], bar=0.35,
        ),
    ]  # fmt: skip
    name = "a wave of 1,000,000 lines, times as long as one of 100,000"
    if not is_long:
        return [*rows, report.Row(name, "×", None, note="ask for it with --long")]
    waves.furnish(1_000_000)
    took, _ = waves.ours()
    _say(f"wave of 1,000,000 lines: {took.told()}")
    times = took.seconds / statistics.median(ours) * lines / 100_000
    return [*rows, report.Row(name, "×", times, floor=11, less_is_better=True)]


def measure_tracking() -> list[report.Row]:
    valid, invalid = (len(tracking.published(kind)) for kind in ("valid", "invalid"))
    names = (
        f"published tracking numbers ({valid:,} valid) that are not recognized",
        f"published tracking numbers ({invalid:,} invalid) that are not refused",
    )
    if not valid:
        return [report.Row(name, "", None, note=f"{tracking.COURIERS} is not here") for name in names]
    return [
        report.Row(name, "", float(len(wrong)), floor=0, less_is_better=True)
        for name, wrong in zip(names, tracking.misjudged(), strict=True)
    ]


def measure_trial(orders: int) -> list[report.Row]:
    trying.furnish(orders)
    rows = []
    for name, draft in (("a plain draft", trying.plain()), ("one that asks for all", trying.demanding())):
        done, took = trying.tried(draft)
        _say(f"trial of {name}: {done:,} decisions in {took:.1f} s")
        rows.append(report.Row(f"a trial of {name}, two replays", "decisions/s", done / took, floor=500))
    return rows


def measure_books(lines: int) -> list[report.Row]:
    held = month.furnish(lines)
    proved, steps = books.proved(), books.closed()
    closed = sum(took.seconds for took in steps.values())
    _say(
        f"books of {', '.join(f'{count:,} {what}' for what, count in held.items())}: {proved.seconds:.1f} s to prove"
        f" ({proved.worked:.1f} s worked), {closed:.1f} s to close: "
        + ", ".join(f"{step} in {took.seconds:.1f} s" for step, took in steps.items())
    )
    lines = held["lines"]
    return [
        report.Row(f"{lines:,} lines of the ledger proved", "lines/s", lines / proved.seconds, floor=100_000),
        report.Row(
            f"a month of {lines:,} lines in two currencies measured, looked at and closed", "s", closed, floor=30,
            less_is_better=True,
        ),
    ]  # fmt: skip


def measure_verify(batch: int) -> list[report.Row]:
    """All that `entrepot verify` does, in a house whose goods were sent and came back."""
    found = books.verified(batch)
    _say(
        "verified: "
        + ", ".join(f"{room} {rows:,} rows in {took.seconds:.2f} s" for room, (took, rows) in found.items())
    )
    kernel, kernel_rows = found.pop("kernel")
    rest, rows = sum(took.seconds for took, _ in found.values()), sum(count for _, count in found.values())
    return [
        report.Row(
            f"{kernel_rows:,} rows verified: chains and imprints", "rows/s", kernel_rows / kernel.seconds
        ),
        report.Row(f"{rows:,} rows verified: all that the other rooms hold", "rows/s", rows / rest),
    ]


AUDIT = 10
"""Per cent that the log of events and its imprints may add to the work of what they tell of."""


def measure_audit(rounds: int, orders: int, batch: int) -> list[report.Row]:
    ways: tuple[str, ...] = ("the walk", "its way back")
    logged: dict[str, list[float]] = {way: [] for way in ways}
    sealing: dict[str, list[float]] = {way: [] for way in ways}
    for i in range(rounds):
        for way, found in zip(ways, books.audited(orders, batch), strict=True):
            logged[way].append(100 * found.logged())
            sealing[way].append(100 * found.sealing())
        told = "; ".join(f"{way} {logged[way][-1]:.1f} %, sealed {sealing[way][-1]:.1f} %" for way in ways)
        _say(f"audit, round {i + 1}: {told}")
    return [
        report.Row(
            f"{what} {way} without", "%", statistics.median(taken[way]), floor=floor, less_is_better=True,
            rounds={"ours": taken[way]},
        )
        for what, taken, floor in (
            ("events and imprints: more work than", logged, AUDIT),
            ("sealing them after the commit, of the work of", sealing, None),
        )
        for way in ways
    ]  # fmt: skip


def measure_pages(wanted: volume.Wanted, by: str, *, afresh: bool) -> list[report.Row]:
    """Every page of a house that is full, as it is opened; and at the end those again that took longest."""
    with volume.opened(wanted, afresh=afresh):
        held = pages.held(wanted)
        print(", ".join(f"{row.ours:,.0f} {row.name}" for row in held))
        print(pages.HEAD)
        found = pages.opened(20, tell=lambda one: print(pages.line(one, by), flush=True))
    worst = sorted(found, key=lambda one: -one.told()[3 if by == "work" else 1])
    print(f"\nThe slowest {WORST} of {len(found)}:\n{pages.HEAD}")
    print("\n".join(pages.line(one, by) for one in worst[:WORST]))
    return held + pages.rows(found, by)


def measure_import() -> list[report.Row]:
    names = ("import of a year, seconds", "import of a year, peak memory")
    if why := import_year.missing():
        return [report.Row(name, "", None, note=why) for name in names]
    _say("importing a year")
    found = import_year.run()
    return [
        report.Row(names[0], "s", found.seconds, floor=240, less_is_better=True),
        report.Row(names[1], "MB", found.peak_rss_mb, floor=600, less_is_better=True),
    ]


def _steps(steps: object) -> str:
    assert isinstance(steps, dict)
    return ", ".join(
        f"{step} {steps['ours'][step]:,.0f} ({steps['baseline'][step]:,.0f})" for step in steps["ours"]
    )


BEGAN = time.monotonic()


def _say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:4.0f} s] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
