"""What an ingest did, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ingest.files import Skip, own_name


@dataclass(slots=True)
class Report:
    """Counts of records, and the place and reason of each thing skipped."""

    files: int = 0
    read: int = 0       # records found in the files
    added: int = 0      # records whose abstract was new to the collection
    updated: int = 0    # a known place with a new text
    unchanged: int = 0  # known place or text, as it was
    removed: int = 0    # records that a known file no longer has
    merged: int = 0     # records that repeat a work the collection has, exactly or nearly
    skipped: list[Skip] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)  # what was damaged and has been made anew
    embedded: int = 0   # papers that went through the model
    papers: int = 0     # works in the collection afterwards
    untitled: int = 0   # of them without a title
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """The report as people read it."""
        counts = (
            f"read {self.read} records from {self.files} files: added {self.added}, updated {self.updated}, "
            f"unchanged {self.unchanged}, merged {self.merged}, removed {self.removed}, skipped {len(self.skipped)}"
        )
        total = f"the collection has {self.papers} papers ({self.untitled} without a title); "
        total += f"{self.embedded} embedded in {self.seconds:.1f} s"
        return [counts, *self.mended, *(f"skipped {line}" for line in self.skips()), total]

    def skips(self) -> list[str]:
        """Each thing left out, as "file:line: reason"."""
        return [_skip_line(skip) for skip in self.skipped]


def _skip_line(skip: Skip) -> str:
    name = own_name(Path(skip.file)) if Path(skip.file).is_absolute() else skip.file
    if skip.reason.startswith(f"{name}: "):
        return skip.reason
    return f"{name}:{skip.line}: {skip.reason}" if skip.line is not None else f"{name}: {skip.reason}"
