"""What goes to a language model and comes back, and the ways for that to fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from assistant.errors import AssistantError

SHOWN_MODELS = 10   # names of models in a message

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "filtered", "other"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what the model reads."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One call, whole, as a backend gets it."""

    messages: tuple[Message, ...]
    max_tokens: int                     # longest reply
    temperature: float                  # 0 is the most likely reply, 2 the wildest
    schema: Mapping[str, Any] | None    # JSON schema the reply must follow, where `Backend.structured` says so


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply as it arrives; the last ones may carry text no more, but how it ended and what it took."""

    text: str = ""
    finish: Finish | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thought: bool = False   # the model is at work, on what it does not show


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply."""

    text: str                # never blank
    finish: Finish           # "length": it stopped at max_tokens, most likely in the middle of a sentence
    prompt_tokens: int
    completion_tokens: int
    estimated: bool          # the model did not say its counts: they are tiktoken's
    cost: float | None       # in the currency of the prices set; None where none are
    model: str


class Kind(StrEnum):
    """Why there is no reply."""

    NOT_SET_UP = "not set up"          # a setting, a file or a package is missing
    UNREACHABLE = "unreachable"        # nobody answers at that address
    UNAUTHORISED = "unauthorised"      # the key is missing or refused
    RATE_LIMITED = "rate limited"      # too many calls, or the account is empty
    TIMED_OUT = "timed out"            # silent, or too slow
    SERVER_ERROR = "server error"      # it answers, but says it cannot
    MODEL_MISSING = "model missing"    # the server has no such model
    BAD_REQUEST = "bad request"        # refused as sent: too long, for instance
    CUT_STREAM = "cut stream"          # the reply broke off
    BAD_REPLY = "bad reply"            # empty, or in no form that can be read
    CAP_REACHED = "cap reached"        # the session has used up what it may
    NOT_ANSWERING = "not answering"    # not asked: it did not answer before; see `assistant.backends.circuit`
    BUSY = "busy"                      # not asked: as many answers wait for it as may


class BackendError(AssistantError):
    """There is no reply: what was seen, what would be right, what to do. Never holds a key."""

    def __init__(
        self, kind: Kind, message: str, *, again: bool = False, wait_s: float | None = None, unresponsive: bool = False
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.unresponsive = unresponsive    # the server gave no sign of life, neither a reply nor a refusal
        self.again = again      # the same call may succeed a little later
        self.wait_s = wait_s    # seconds the server asks to wait before that


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a backend could answer now."""

    name: str
    ready: bool
    detail: str                     # what it would use, or what is missing and how to get it
    models: tuple[str, ...] = ()    # those the server offers, where it was asked
