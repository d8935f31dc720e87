"""Whose an open page is: Gradio knows it by an id that its browser made up, and asks nobody else who sends that."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = ("session_hash", "upload_id")         # of an open page; of an upload on its way
FORMS = ("/login", "/gradio_api/upload")    # the routes whose bodies are forms; those name no page
REMEMBERED = 1000  # ids of a login, those used last

SOMEBODY_ELSES = "That page is somebody else's. Load the page anew."
NOT_JSON = "The body of this request has to be a JSON object."


class Owners:
    """Binds each id to the login that first used it. Where there is no login, an id is as secret as it is random."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}  # id -> login
        # One login's many ids push out none of another's.
        self._ids: defaultdict[str, OrderedDict[str, None]] = defaultdict(OrderedDict)

    async def check(self, request: Request) -> None:
        """Refuse a request that names a page or an upload of another login; a dependency of every route.

        Raises:
            HTTPException: 403 for such a request; 400 where a body is none of those that the page sends.
        """
        login = request.state.login
        if login is None:
            return
        named: list[str | None] = [*_named_in_address(request)]
        if request.method == "POST" and request.scope["route"].path not in FORMS:
            named.append(await _named_in_body(request))
        for each in named:
            if each is not None and not self._claim(each, login):
                raise HTTPException(403, SOMEBODY_ELSES)

    def _claim(self, name: str, login: str) -> bool:
        """Make an id the login's, unless it is another's; return whether it is the login's."""
        if self._owners.setdefault(name, login) != login:
            return False
        ids = self._ids[login]
        ids[name] = None
        ids.move_to_end(name)
        if len(ids) > REMEMBERED:
            del self._owners[ids.popitem(last=False)[0]]
        return True


def _named_in_address(request: Request) -> Iterator[str]:
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if name in IDS:
            yield str(value)


async def _named_in_body(request: Request) -> str | None:
    """Return the page that a body names; what is parsed here is what the route gets."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(name := body.get("session_hash"), str | None):
        raise HTTPException(400, NOT_JSON)
    return name
