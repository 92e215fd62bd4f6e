"""One SKU that everybody wants: single units reserved by threads that contend for its row, and gathered before it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from bench import house, served

CONTENDING = 16  # threads, each with a connection
IN_FLIGHT, CALLS = 2_000, 20  # requests at any moment, by as many calls
CLIENTS, CONNECTIONS = 2, 200  # processes, and connections of all of them
WARM_UP = 20


def contending(units: int) -> float:
    """Units per second, each reserved alone, by threads that wait for each other's commits."""
    from entrepot.stock.commands.reserve import reserve

    return _sell(reserve, units, CONTENDING, 1)


def gathered(units: int) -> float:
    """Units per second with 2,000 requests for one unit in flight, committed as they have gathered."""
    from entrepot.kernel.gather import Gathered
    from entrepot.stock.commands.reserve import reserve

    return _sell(Gathered(reserve), units, CALLS, IN_FLIGHT // CALLS)


def through_the_api(units: int) -> float:
    """Units per second with 2,000 requests for one unit in flight at the web processes, in lists."""
    _requests(units)
    size = IN_FLIGHT // CALLS
    shares: list[list[bytes]] = [[] for _ in range(CALLS)]
    for n in range(units // 10 * 11 // size):
        shares[n % CALLS].append(_carts(n, size))
    answers: list[bytes] = []
    with served.running() as house_served:

        def ask(share: Sequence[bytes], start: threading.Barrier) -> None:
            asking = house_served.connect()
            asking.get("/healthz")
            start.wait()
            for n, carts in enumerate(share):
                answers.append(asking.send("/api/v1/reservations", carts, again=f"{id(share)}-{n}"))

        took = _at_once(ask, shares)
    asked = sum(len(json.loads(answer)) for answer in answers)
    return _sold(units, asked / took)


def cart_by_cart(units: int) -> tuple[float, float]:
    """Carts per second by single requests, sent by processes of their own over connections that are kept; and requests
    that ask for nothing, in the same way: what the server can answer at all."""
    _requests(units)
    with served.running() as house_served:
        post = partial(_request, house_served, "POST", "/api/v1/reservations")
        carts, answers = _by_clients(
            house_served.port, [post(json.loads(_carts(n, 1))[0]) for n in range(units)]
        )
        empty, _ = _by_clients(house_served.port, [_request(house_served, "GET", "/healthz")] * units)
    if answers["201"] != units:
        raise SystemExit(f"Each of {units} carts should get its unit, found {answers}")
    return _sold(units, carts), empty


def served_alone(units: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each request when nothing else is asked for: served, by the command itself, and one for nothing."""
    from entrepot.stock.commands.reserve import reserve

    requests = _requests(3 * units)
    took: tuple[list[float], list[float], list[float]] = ([], [], [])
    with served.running() as house_served:
        asking = house_served.connect()
        asks: tuple[Callable[[int], object], ...] = (
            lambda n: asking.send("/api/v1/reservations", _carts(n, 1), again=f"alone-{n}"),
            lambda _: reserve(_cause(), requests=[next(requests)]),
            lambda _: asking.get("/healthz"),
        )
        for n in range(WARM_UP + units):
            for ask, seconds in zip(asks, took, strict=True):
                began = time.perf_counter()
                ask(n)
                seconds.append(time.perf_counter() - began)
    return took[0][WARM_UP:], took[1][WARM_UP:], took[2][WARM_UP:]


def _request(
    house_served: served.Served, method: str, path: str, body: dict[str, Any] | None = None
) -> bytes:
    """As it goes over the wire."""
    text = json.dumps(body).encode() if body else b""
    key = f"Idempotency-Key: {body['key']}\r\n" if body else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {house_served.key}\r\n{key}"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


def _by_clients(port: int, requests: Sequence[bytes]) -> tuple[float, Counter[str]]:
    """Answers per second, and how often each status came."""
    command = [sys.executable, "-m", "bench.carts", str(port), str(CONNECTIONS // CLIENTS)]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(CLIENTS)
    ]
    try:
        for n, one in enumerate(clients):
            share = [base64.b64encode(request).decode() for request in requests[n::CLIENTS]]
            _tell(one, json.dumps(share))
        for one in clients:
            _heard(one)
        began = time.perf_counter()
        for one in clients:
            _tell(one, "go")
        told = [json.loads(_heard(one)) for one in clients]
        took = time.perf_counter() - began
    finally:
        for one in clients:
            one.kill()
            one.wait()
    answers: Counter[str] = Counter()
    for answer in told:
        answers.update(answer["answers"])
    return len(requests) / took, answers


def _tell(client: subprocess.Popen[str], line: str) -> None:
    assert client.stdin
    client.stdin.write(line + "\n")
    client.stdin.flush()


def _heard(client: subprocess.Popen[str]) -> str:
    assert client.stdout
    if line := client.stdout.readline():
        return line
    raise SystemExit("A client of the benchmark ended before its answers came")


def _carts(n: int, size: int) -> bytes:
    """A call for one unit for each of so many carts."""
    until = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
    one = {"channel": "shop", "sku": "HOT", "quantity": 1, "expires_at": until}
    carts = [f"cart-{n}-{i}" for i in range(size)]
    return json.dumps([one | {"holder": cart, "key": cart} for cart in carts]).encode()


def alone(units: int) -> tuple[list[float], list[float]]:
    """Seconds of each request when nothing else is asked for: gathered, and by the command itself. In turn."""
    from entrepot.kernel.gather import Gathered
    from entrepot.stock.commands.reserve import reserve

    requests = _requests(2 * units)
    took: tuple[list[float], list[float]] = ([], [])
    for i, call in enumerate([Gathered(reserve), reserve] * units):
        took[i % 2].append(_timed(call, [next(requests)]))
    return took


def _timed(call: Callable[..., Any], requests: Sequence[Any]) -> float:
    began = time.perf_counter()
    call(_cause(), requests=requests)
    return time.perf_counter() - began


def _sell(call: Callable[..., list[Any]], units: int, threads: int, size: int) -> float:
    """Ask for a tenth more units than there are, and see that exactly all of them go."""
    asked = units // 10 * 11
    requests = _requests(units)
    shares: list[list[Any]] = [[] for _ in range(threads)]
    for i in range(asked // size):
        shares[i % threads].append([next(requests) for _ in range(size)])
    took = _at_once(partial(_ask, call), shares)
    return _sold(units, sum(len(batch) for share in shares for batch in share) / took)


def _at_once(do: Callable[[Any, threading.Barrier], None], shares: Sequence[Any]) -> float:
    """Seconds that threads take for their shares, all beginning together."""
    start = threading.Barrier(len(shares) + 1)
    running = [threading.Thread(target=do, args=(share, start)) for share in shares]
    for one in running:
        one.start()
    start.wait()
    began = time.perf_counter()
    for one in running:
        one.join()
    return time.perf_counter() - began


def _sold(units: int, speed: float) -> float:
    """The speed, once it is seen that exactly all units went."""
    from entrepot.kernel import sql

    (sold,) = sql.run("SELECT sum(quantity)::int FROM stock_reservation")[0]
    if sold != units:
        raise SystemExit(f"{sold} units were sold of {units}")
    return speed


def _ask(call: Callable[..., list[Any]], share: Sequence[Sequence[Any]], start: threading.Barrier) -> None:
    try:
        call(_cause(), requests=[])  # connected
        start.wait()
        for requests in share:
            call(_cause(), requests=requests)
    finally:
        house.disconnect()


def _cause() -> Any:
    from entrepot.kernel.cause import Actor, Cause

    return Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")


def _requests(units: int) -> Iterator[Any]:
    """A fresh house with so many units of one SKU at one node, and any number of requests for one of them each."""
    from entrepot.catalog.commands.register import RegisterSku, register_skus
    from entrepot.kernel import ids, sql
    from entrepot.stock.commands.receive import Receive, receive
    from entrepot.stock.commands.reserve import Reserve

    house.fresh()
    register_skus(_cause(), requests=[RegisterSku(house.COMPANY, "HOT", "What everybody wants")])
    sku, node, bin_id, channel = sql.run(
        "SELECT s.id, b.node_id, b.id, (SELECT id FROM network_channel) FROM catalog_sku AS s, network_bin AS b"
        " WHERE s.code = 'HOT' AND b.kind = 'pick' ORDER BY b.code LIMIT 1"
    )[0]
    goods = Receive(house.COMPANY, sku, node, bin_id, units, units, "goods receipt", ids.uuid7())
    receive(_cause(), requests=[goods])
    until = house.AT + timedelta(minutes=15)
    return (
        Reserve(house.COMPANY, f"cart {i}", sku, node, channel, 1, until, key=f"cart {i}") for i in count()
    )
