"""The settings that a user may change for one session, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assistant.errors import MisuseError

if TYPE_CHECKING:
    from assistant.settings import Settings

CHANGEABLE = ("backend", "cascade_to", "model", "base_url", "api_key", "top_k", "refusal")

FIXED = (
    "this page calls only the model server that whoever runs it has set; ASSISTANT_TYPED_ADDRESSES=true lets users "
    "type addresses of their own"
)


def changed(settings: Settings, changes: Mapping[str, Any], *, typed_addresses: bool) -> Settings:
    """The settings with some of `CHANGEABLE` changed; blank texts change nothing.

    The key of whoever runs the page is never sent to an address that a user typed.

    Args:
        typed_addresses: whether ``base_url`` may be changed.
    Raises:
        MisuseError: a value cannot be.
    """
    given = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in changes.items() if name in CHANGEABLE and value not in (None, "")
    }
    given = {name: value for name, value in given.items() if value != ""}
    if given.get("base_url", settings.base_url) != settings.base_url:
        if not typed_addresses:
            raise MisuseError(FIXED)
        given.setdefault("api_key", None)
    try:
        return type(settings).model_validate({**settings.model_dump(), **given})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise MisuseError(f"{' '.join(str(part) for part in first['loc']).replace('_', ' ')}: {first['msg']}") from None
