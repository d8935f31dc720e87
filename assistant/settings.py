"""Every knob, once. Read from the environment and from ``.env`` in the working folder."""

from __future__ import annotations

import difflib
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from assistant.errors import SettingsError

PREFIX = "ASSISTANT_"
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # no shell reads a .env
# A key or a password in an address would show wherever the address does.
Address = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$")]


def _key(key: SecretStr) -> SecretStr:
    stripped = key.get_secret_value().strip()
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise ValueError("a key has only letters, digits and punctuation, and no blanks")
    return SecretStr(stripped)


Key = Annotated[SecretStr, AfterValidator(_key)]


def _name_and_password(login: SecretStr) -> SecretStr:
    name, _, password = login.get_secret_value().partition(":")
    if not name or name != name.strip() or not password:
        raise ValueError("a login is user:password")
    return login


LoginPair = Annotated[SecretStr, AfterValidator(_name_and_password)]


def _networks(proxies: str) -> str:
    try:
        for each in proxies.split(",") if proxies else ():
            ipaddress.ip_network(each.strip())
    except ValueError:
        raise ValueError("proxies are IP addresses or networks, with commas between: 127.0.0.1,10.0.0.0/8") from None
    return proxies


Networks = Annotated[str, AfterValidator(_networks)]
# Where the page is behind a proxy: a path, or the whole address a browser sees.
RootPath = Annotated[str, Field(pattern=r"^((https?://[^\s/@?#]+)?(/[^\s/?#]+)*)?$")]


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
    token_dimensions: int = Field(384, ge=16, description="bytes kept of each word piece; at most all the model has")
    threads: int | None = Field(None, ge=1, description="texts embedded at once; unset: one per core")
    chroma_url: str | None = Field(
        None, pattern="^https?://", description="http://host:port of a Chroma server; unset: embedded"
    )
    backend: str = Field(
        "extractive", pattern="^(extractive|openai|ollama|llamacpp|cascade)$", description="who writes answers"
    )
    cascade_to: Literal["openai", "ollama", "llamacpp"] = Field(
        "openai", description="the model that cascade asks when quoting is not sure enough"
    )
    cascade_confidence: float = Field(
        0.8, ge=0, le=1, description="confidence of the extractive answer from which cascade asks no model"
    )
    unsupported: Literal["drop", "flag", "repair"] = Field(
        "drop", description="what becomes of a model's sentences that the papers do not bear out"
    )
    prompt_tokens: int = Field(1500, ge=400, description="longest prompt of a question that is not about a list")
    history_tokens: int = Field(600, ge=0, description="of the conversation, for putting a follow-up into words")
    list_candidates: int = Field(64, ge=1, le=1000, description="papers a model judges for one list, eight a call")
    base_url: Address | None = Field(
        None, description="address of the model server, usually ending in /v1; unset: the backend's usual one"
    )
    api_key: Key | None = Field(None, description="key of the model server")
    model: str | None = Field(None, description="name of the model on its server")
    gguf: UserPath | None = Field(None, description="model file for llamacpp")
    context_window: int = Field(8192, ge=512, description="tokens the model reads and writes at once")
    max_tokens: int = Field(1024, ge=1, description="longest reply of a model, in tokens")
    temperature: float = Field(0.0, ge=0, le=2, description="0: the model's most likely reply")
    connect_timeout: float = Field(5.0, gt=0, description="seconds to reach the model server")
    read_timeout: float = Field(120.0, gt=0, description="seconds the model server may be silent")
    total_timeout: float = Field(300.0, gt=0, description="seconds for a whole reply, retries included")
    model_at_once: int = Field(
        8, ge=1, le=16, description="answers of the page that wait for one model server at once; further ones quote"
    )
    retries: int = Field(2, ge=0, le=10, description="further tries when the model server is busy or gone")
    price_prompt: float | None = Field(None, ge=0, description="per million tokens read by the model")
    price_completion: float | None = Field(None, ge=0, description="per million tokens written by the model")
    session_max_tokens: int | None = Field(None, ge=1, description="tokens a session may use; unset: no cap")
    session_max_cost: float | None = Field(None, ge=0, description="cost a session may cause; unset: no cap")
    top_k: int = Field(12, ge=1, le=100, description="papers an answer may draw on")
    candidates: int = Field(200, ge=10, le=5000, description="papers each first-stage ranker proposes")
    reranker: str | None = Field(
        None, description="folder or name of a cross-encoder that puts the best papers in order; needs the extra rerank"
    )
    refusal: str = Field("balanced", pattern="^(strict|balanced|eager)$", description="how soon to refuse")
    trace_file: UserPath | None = Field(None, description="a JSON line about each answer is added here; unset: none")
    trace_text: bool = Field(False, description="whether that line has questions and answers too")
    host: str = Field("127.0.0.1", description="address the page listens on")
    port: int = Field(7860, ge=1, le=65535, description="port of the page")
    auth: LoginPair | None = Field(None, description="user:password that opens the page")
    auth_file: UserPath | None = Field(None, description="file of names and hashed passwords that open the page")
    root_path: RootPath = Field("", description="path, or whole address, at which a proxy offers the page")
    allowed_hosts: str = Field("", description="names, with commas between, by which a proxy may ask for the page")
    trusted_proxies: Networks = Field(
        "", description="addresses of proxies, with commas between, whose X-Forwarded-For is believed"
    )
    typed_addresses: bool = Field(
        False, description="whether users of a page that others can reach may type the address of a model server"
    )

    @property
    def index_dir(self) -> Path:
        """The folder that can be rebuilt; conversations and feedback live beside it."""
        return self.home / "index"

    @property
    def model_backend(self) -> str | None:
        """The entry of the table of language models that is in use; None with extractive."""
        return {"extractive": None, "cascade": self.cascade_to}.get(self.backend, self.backend)

    @property
    def server_backend(self) -> str:
        """Whose ``base_url`` and ``model`` are: ollama's if it is in use, else openai's."""
        return "ollama" if self.model_backend == "ollama" else "openai"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, _OpenAINames(settings_cls, env_settings, dotenv_settings)


class _OpenAINames(PydanticBaseSettingsSource):
    """OPENAI_API_KEY and OPENAI_BASE_URL, where ours are not set and it is not Ollama that would get them."""

    def __init__(
        self, settings_cls: type[BaseSettings], env: PydanticBaseSettingsSource, file: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        assert isinstance(env, EnvSettingsSource) and isinstance(file, DotEnvSettingsSource)
        self._found = {**file.env_vars, **env.env_vars}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._found.get(f"openai_{field_name}"), field_name, False

    def __call__(self) -> dict[str, Any]:
        asked = self.current_state
        if "ollama" in (asked.get("backend"), asked.get("cascade_to") if asked.get("backend") == "cascade" else None):
            return {}
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(fields[name], name)[0] for name in ("api_key", "base_url")}
        return {name: value for name, value in found.items() if value}


def load_settings(**given: Any) -> Settings:
    """Read the settings.

    Args:
        given: what was said on the command line, which goes first; None: nothing was.
    Raises:
        SettingsError: an ``ASSISTANT_*`` name is unknown, or a value cannot be.
    """
    _refuse_unknown_names()
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
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
