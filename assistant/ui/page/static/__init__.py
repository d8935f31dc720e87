"""The page's own style and script: every ``.css`` and ``.js`` file of this folder, joined in order of name."""

from importlib.resources import files

_FILES = sorted((entry for entry in files(__name__).iterdir()), key=lambda entry: entry.name)
STYLE = "\n".join(entry.read_text("utf-8") for entry in _FILES if entry.name.endswith(".css"))
SCRIPT = "\n".join(entry.read_text("utf-8") for entry in _FILES if entry.name.endswith(".js"))
