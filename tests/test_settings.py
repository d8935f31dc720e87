"""Settings: every knob has one name, is listed in .env.example, and a slip is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.settings import PREFIX, Settings, load_settings

pytestmark = pytest.mark.usefixtures("work")
EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"
LINE = re.compile(r"#(ASSISTANT_[A-Z_]+)=(.*)")


def test_the_example_lists_every_setting_once_and_nothing_else() -> None:
    names = [match[1] for line in EXAMPLE.read_text().splitlines() if (match := LINE.match(line))]

    assert sorted(names) == sorted(PREFIX + name.upper() for name in Settings.model_fields)


def test_the_example_with_every_line_switched_on_says_the_defaults(work: Path) -> None:
    lines = [line.removeprefix("#") for line in EXAMPLE.read_text().splitlines() if LINE.match(line)]
    shown = [line for line in lines if not line.startswith("ASSISTANT_CHROMA_URL")]  # an example, not the default
    (work / ".env").write_text("\n".join(shown))

    assert load_settings() == Settings(_env_file=None)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_environment_wins_over_the_file_and_empty_means_unset(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / ".env").write_text("ASSISTANT_TOP_K=3\nASSISTANT_CANDIDATES=50\nASSISTANT_PORT=\n")
    monkeypatch.setenv("ASSISTANT_TOP_K", "5")
    monkeypatch.setenv("ASSISTANT_HOME", "")

    settings = load_settings()

    assert (settings.top_k, settings.candidates, settings.port) == (5, 50, 7860)
    assert settings.index_dir == Path(".assistant/index")


def test_a_tilde_is_the_users_folder_and_a_byte_order_mark_is_no_part_of_a_name(work: Path) -> None:
    (work / ".env").write_bytes(b"\xef\xbb\xbfASSISTANT_HOME=~/abstracts\n")

    assert load_settings().home == Path.home() / "abstracts"


@pytest.mark.parametrize(("line", "message"), [
    ("ASSISTANT_TOPK=3", "ASSISTANT_TOPK is not a setting; did you mean ASSISTANT_TOP_K?"),
    ("export assistant_topk=3", "ASSISTANT_TOPK is not a setting; did you mean ASSISTANT_TOP_K?"),
    ("ASSISTANT_ZZZZZZZZZ=3", "ASSISTANT_ZZZZZZZZZ is not a setting; see .env.example for those there are"),
    ("ASSISTANT_TOP_K=0", "ASSISTANT_TOP_K: Input should be greater than or equal to 1; see .env.example"),
    ("ASSISTANT_PORT=70000", "ASSISTANT_PORT: Input should be less than or equal to 65535; see .env.example"),
    ("ASSISTANT_REFUSAL=hunter2", "ASSISTANT_REFUSAL: String should match pattern '^(strict|balanced|eager)$'; "
                                  "see .env.example"),
])
def test_slips_are_refused_with_the_name_and_never_the_value(work: Path, line: str, message: str) -> None:
    (work / ".env").write_text(f"OTHER_SECRET=hunter2\n{line}\n")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert str(refused.value) == message


def test_an_unknown_backend_is_refused(work: Path) -> None:
    (work / ".env").write_text("ASSISTANT_BACKEND=hunter2\n")

    with pytest.raises(SettingsError, match=r"^ASSISTANT_BACKEND: ") as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_an_env_file_that_is_not_utf_8_is_refused(work: Path) -> None:
    (work / ".env").write_bytes(b"ASSISTANT_TOP_K=3\nOTHER=\xff\n")

    with pytest.raises(SettingsError, match=r"^the file \.env is not UTF-8; save it as UTF-8$"):
        load_settings()
