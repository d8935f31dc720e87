"""Chunk vectors in Chroma: what is found, what other processes do, and what a damaged graph must not do."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import StorageError
from assistant.index.chunk_vectors import VectorIndex

ROOT = Path(__file__).resolve().parent.parent
COUNT = 1200  # Chroma writes its graph to disk from 1,000 on
VECTORS = np.random.default_rng(0).normal(size=(COUNT, 16)).astype(np.float32)
IDS = [f"p{n}:0" for n in range(COUNT)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chroma")
    index = VectorIndex(folder, create=True)
    index.upsert(IDS, VECTORS, [{"paper_id": chunk[:-2]} for chunk in IDS])
    index.search(VECTORS[0], limit=1)
    index.close()
    assert list(folder.glob("*/index_metadata.pickle"))
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "chroma"))


def test_the_nearest_chunk_is_the_vector_itself_with_cosine_1(copy: Path) -> None:
    index = VectorIndex(copy)

    found = index.search(VECTORS[7], limit=5)

    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    cosines = unit @ unit[7]
    assert [chunk for chunk, _ in found] == [IDS[n] for n in np.argsort(-cosines)[:5]]
    assert [score for _, score in found] == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-5)
    index.close()


def test_a_reader_makes_no_collection(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^the vectors are missing; run: ingest rebuild$"):
        VectorIndex(tmp_path / "chroma")

    assert list(tmp_path.iterdir()) == []


def test_an_open_index_survives_what_another_deletes(copy: Path) -> None:
    reader, writer = VectorIndex(copy), VectorIndex(copy, create=True)
    assert reader.search(VECTORS[7], limit=1)[0][0] == "p7:0"

    writer.delete(IDS[:600])

    assert reader.search(VECTORS[900], limit=600)[0][0] == "p900:0"
    reader.close()
    writer.close()


def garble(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.glob(f"*/{name}"):
            path.write_bytes(random.Random(1).randbytes(path.stat().st_size))
    return damage


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.glob(f"*/{name}"):
            os.truncate(path, path.stat().st_size // 2)
    return damage


def delete(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.glob(f"*/{name}"):
            path.unlink()
    return damage


@pytest.mark.parametrize("damage", [
    *(harm(name) for harm in (garble, cut, delete) for name in ("data_level0.bin", "index_metadata.pickle")),
    garble("header.bin"), cut("header.bin"), delete("header.bin"),
])
def test_a_damaged_graph_is_refused_and_never_searched(copy: Path, damage: Callable[[Path], None]) -> None:
    damage(copy)

    with pytest.raises(StorageError, match=r"run: ingest rebuild$"):
        VectorIndex(copy).search(VECTORS[7], limit=1)


# -- a graph that Chroma has never put to disk: it makes it anew, emptying its files, whenever it is opened


@pytest.fixture
def small(tmp_path: Path) -> Path:
    index = VectorIndex(tmp_path / "small", create=True)
    index.upsert(IDS[:40], VECTORS[:40], [{"paper_id": chunk[:-2]} for chunk in IDS[:40]])
    index.close()
    assert not list((tmp_path / "small").glob("*/index_metadata.pickle"))
    return tmp_path / "small"


@pytest.mark.parametrize("name", ["header.bin", "data_level0.bin", "length.bin", "link_lists.bin"])
def test_files_emptied_by_who_opens_a_small_graph_just_now_are_no_damage(small: Path, name: str) -> None:
    for path in small.glob(f"*/{name}"):
        os.truncate(path, 0)

    index = VectorIndex(small)

    assert index.search(VECTORS[7], limit=1)[0][0] == "p7:0"
    index.close()


def test_four_processes_that_open_a_small_index_at_once_all_find_it_whole(small: Path) -> None:
    script = (
        "import sys, numpy as np\nfrom pathlib import Path\nfrom assistant.index.chunk_vectors import VectorIndex\n"
        "vector = np.load(sys.argv[2])\n"
        "for _ in range(25):\n"
        "    index = VectorIndex(Path(sys.argv[1]))\n"
        "    assert index.search(vector, limit=1)[0][0] == 'p7:0'\n"
        "    index.close()\n"
    )
    np.save(small.parent / "vector.npy", VECTORS[7])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(small), str(small.parent / "vector.npy")], cwd=ROOT,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]

    assert [process.communicate()[1] for process in processes] == [""] * 4
