"""Attempts to log in: an address that sends wrong passwords is slowed down, and no other waits for it."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from assistant.ui.page.guard import client_address

if TYPE_CHECKING:
    from assistant.ui.page.login import Login

FREE = 5            # wrong passwords after which an address waits for its next attempt
INTERVAL = 2.0      # seconds it waits; each that passes without a wrong one gives it back a free one
WAITING = 8         # attempts of an address that wait for their turn; one more takes the place of the oldest
AT_ONCE = 2         # passwords checked at once, of all addresses; each takes a core and the memory its hash asks for
ADDRESSES = 10_000  # remembered, those that tried last

TOO_MANY = "Too many attempts to log in from this address. Try again in a moment."


class Attempts:
    """Checks passwords for whoever logs in, of each address one at a time.

    Of those that wait, the newest is next: so a right password does not wait for the wrong ones that came before it.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._checks = asyncio.Semaphore(AT_ONCE)
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()

    async def admits(self, name: str, password: str) -> bool:
        """Whether name and password belong together, once it is the turn of this attempt.

        Raises:
            HTTPException: 429, because newer attempts of the address took its place.
        """
        lane = self._lane(subscriber(client_address.get()))
        if not await lane.turn():
            raise HTTPException(429, TOO_MANY, {"Retry-After": str(math.ceil(INTERVAL))})
        right = False
        try:
            async with self._checks:
                right = await asyncio.to_thread(self._login.admits, name, password)
        finally:
            lane.leave(right=right)
        return right

    def _lane(self, address: str) -> _Lane:
        lane = self._lanes.setdefault(address, _Lane())
        self._lanes.move_to_end(address)
        if len(self._lanes) > ADDRESSES:
            self._lanes.popitem(last=False)
        return lane


class _Lane:
    """The attempts of one address."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[bool]] = deque()  # newest last
        self._settled_at = 0.0  # time of the loop when the wrong passwords so far will be INTERVAL seconds past, each

    async def turn(self) -> bool:
        """Wait for it; false if newer attempts took the place."""
        if not self._taken:
            self._taken = True
            return True
        if len(self._waiting) == WAITING:
            oldest = self._waiting.popleft()
            if not oldest.done():
                oldest.set_result(False)
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        return await mine

    def leave(self, *, right: bool) -> None:
        """Give the turn to the next, at once or when the address may try again."""
        loop = asyncio.get_running_loop()
        if not right:
            self._settled_at = max(self._settled_at, loop.time()) + INTERVAL
        loop.call_at(self._settled_at - (FREE - 1) * INTERVAL, self._next)

    def _next(self) -> None:
        while self._waiting:
            newest = self._waiting.pop()
            if not newest.done():  # given up meanwhile
                newest.set_result(True)
                return
        self._taken = False


def subscriber(address: str) -> str:
    """Whom an address belongs to: of IPv6, where one has very many, the network of 64 bits.

    >>> subscriber("192.0.2.7"), subscriber("::ffff:192.0.2.7"), subscriber("2001:db8::1"), subscriber("unknown")
    ('192.0.2.7', '192.0.2.7', '2001:db8::/64', '')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if (mapped := found.ipv4_mapped) is None:
            return str(ipaddress.ip_network((found, 64), strict=False))
        found = mapped
    return str(found)
