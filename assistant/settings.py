"""Every knob, once. Read from the environment and from ``.env`` in the working folder."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import SettingsError

PREFIX = "ASSISTANT_"
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # no shell reads a .env


class Settings(BaseSettings):
    """``top_k`` is ``ASSISTANT_TOP_K``, and so on; each is listed in ``.env.example``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8-sig",  # some editors put a byte order mark first
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",              # a .env may hold other programs' lines
        hide_input_in_errors=True,   # which may be keys
    )

    home: UserPath = Field(Path(".assistant"), description="folder of the index, conversations and feedback")
    embedder_dir: UserPath | None = Field(
        None, description="folder of a BERT-family sentence-transformers model; unset: all-MiniLM-L6-v2"
    )
    precision: Literal["int8", "fp32"] = Field("int8", description="of the embedder; int8 is twice as fast")
    chunk_tokens: int = Field(512, ge=16, description="longest chunk, in the model's word pieces")
    threads: int | None = Field(None, ge=1, description="texts embedded at once; unset: one per core")
    chroma_url: str | None = Field(
        None, pattern="^https?://", description="http://host:port of a Chroma server; unset: embedded"
    )
    backend: str = Field("extractive", pattern="^(extractive)$", description="who writes answers")
    top_k: int = Field(5, ge=1, le=100, description="papers an answer may draw on")
    candidates: int = Field(200, ge=10, le=5000, description="papers each first-stage ranker proposes")
    reranker: str | None = Field(
        None, description="folder or name of a cross-encoder that puts the best papers in order; needs the extra rerank"
    )
    refusal: str = Field("balanced", pattern="^(strict|balanced|eager)$", description="how soon to refuse")
    host: str = Field("127.0.0.1", description="address the page listens on")
    port: int = Field(7860, ge=1, le=65535, description="port of the page")

    @property
    def index_dir(self) -> Path:
        """The folder that can be rebuilt; conversations and feedback live beside it."""
        return self.home / "index"


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: an ``ASSISTANT_*`` name is unknown, or a value cannot be.
    """
    _refuse_unknown_names()
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg']}; see .env.example") from None
    except UnicodeDecodeError:
        raise SettingsError("the file .env is not UTF-8; save it as UTF-8") from None


def _refuse_unknown_names() -> None:
    known = sorted(PREFIX + name.upper() for name in Settings.model_fields)
    for name in sorted(_names_set()):
        if name.startswith(PREFIX) and name not in known:
            # Without the prefix, which would make any two names look alike.
            close = difflib.get_close_matches(name.removeprefix(PREFIX), [key.removeprefix(PREFIX) for key in known], 1)
            hint = f"did you mean {PREFIX}{close[0]}?" if close else "see .env.example for those there are"
            raise SettingsError(f"{name} is not a setting; {hint}")


def _names_set() -> set[str]:
    names = {name.upper() for name in os.environ}
    try:
        lines = Path(".env").read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return names
    for line in lines:
        name, equals, _ = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            names.add(name.strip().upper())
    return names
