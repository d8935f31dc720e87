"""``python -m assistant.map FILE`` draws the map of the collection of these settings into a file.

In a process of its own, because it keeps a core busy for as long as it takes, and scikit-learn in memory.
"""

import sys
from pathlib import Path

from assistant.errors import AssistantError
from assistant.index.collection import Collection
from assistant.settings import load_settings
from assistant.topics.atlas import draw, save


def main(path: Path) -> int:
    """Draw and save; returns the exit status."""
    try:
        with Collection(load_settings()) as collection:
            save(draw(collection), path)
    except (AssistantError, ImportError, OSError) as exc:
        print(f"map: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
