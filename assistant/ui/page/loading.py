"""Importing Gradio: quickly, and without it calling or writing anywhere."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

from assistant.backends import proxies

# Set, and not only where nothing is: the page calls nobody, whatever else is wished. After every event Gradio would
# make a table of the last 10,000, with percentiles, for a page of statistics that is switched off here.
ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**12),
}


def load_gradio() -> None:
    """Import Gradio, which is slow; what it reads from the environment at that moment is set before."""
    os.environ.update(ENVIRONMENT)
    if "gradio" in sys.modules:
        return
    real = inspect.getfile

    def of_no_file_to_gradio(thing: Any) -> str:
        # For each of its components Gradio parses its own source and writes type stubs beside it, which takes half
        # of its import, unless the component "is not a file".
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError
        return real(thing)

    inspect.getfile = of_no_file_to_gradio  # type: ignore[assignment]
    try:
        with proxies.hidden():  # it makes clients, which fail with a proxy they cannot use, and calls nobody with them
            from gradio import processing_utils
    finally:
        inspect.getfile = real
    processing_utils.async_ssrf_protected_download = _download_nothing


async def _download_nothing(url: str, cache_dir: str) -> str:
    """In place of Gradio's download of an "uploaded" file whose path is a web address."""
    raise ValueError("files are uploaded, not fetched from addresses")
