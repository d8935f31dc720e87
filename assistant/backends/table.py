"""Which language models there are. A new one is a file and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from assistant.backends.base import Backend
from assistant.backends.messages import BackendError, Kind, Status

if TYPE_CHECKING:
    from assistant.backends.circuit import ModelServers
    from assistant.backends.model import ModelBackend
    from assistant.settings import Settings

BACKENDS = {  # name -> module and class; imported only when asked for
    "openai": ("assistant.backends.openai", "OpenAIBackend"),        # any OpenAI-compatible server
    "ollama": ("assistant.backends.ollama", "OllamaBackend"),
    "llamacpp": ("assistant.backends.llamacpp", "LlamaCppBackend"),  # a GGUF file, in-process
}


def open_backend(settings: Settings, name: str | None = None, *, servers: ModelServers | None = None) -> Backend:
    """A backend by name; default: the one the settings name. Asks no server yet.

    Args:
        servers: those whose circuit breakers it shares; default: it has one of its own.
    Raises:
        BackendError: NOT_SET_UP, if a setting, a file or a package is missing, or none has that name.
    """
    backend = _find(name or settings.model_backend or settings.backend)(settings)
    if servers is not None:
        backend.breaker = servers.breaker(backend.address)
    return backend


def statuses(settings: Settings) -> list[Status]:
    """Every value of ASSISTANT_BACKEND, and whether it could answer now. Asks servers, two seconds each at most."""
    found = {name: _find(name).status(settings) for name in BACKENDS}
    behind = found[settings.cascade_to]
    detail = f"quotes, and asks {behind.name} when unsure" if behind.ready else f"needs {behind.name}: {behind.detail}"
    return [
        Status("extractive", True, "quotes the papers; needs no model"), *found.values(),
        Status("cascade", behind.ready, detail),
    ]


def _find(name: str) -> type[ModelBackend]:
    try:
        module, kind = BACKENDS[name]
    except KeyError:
        raise BackendError(
            Kind.NOT_SET_UP,
            f"no model backend is called {name!r}; set ASSISTANT_BACKEND to one of {', '.join(BACKENDS)}",
        ) from None
    found: type[ModelBackend] = getattr(import_module(module), kind)
    return found
