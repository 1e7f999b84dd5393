import os
import threading

import numpy as np
import pytest

from appkit.data.image_cache import ImageCache, map_collecting
from appkit.exceptions import SchemaError

SHAPE, UINT8 = (5, 4, 3, 3), np.dtype("uint8")


def test_results_come_in_order_whoever_ends_first():
    barrier = threading.Event()

    def work(row: int) -> int:
        if row == 0:
            barrier.wait(timeout=30)  # the first strip ends last
        if row == 99:
            barrier.set()
        return row * row

    results, problems = map_collecting(work, 100, n_workers=8)
    assert results == [row * row for row in range(100)]
    assert problems == []


@pytest.mark.parametrize("n_workers", [1, 4])
def test_every_problem_is_collected_in_order(n_workers):
    def work(row: int) -> int:
        if row % 30 == 7:
            raise SchemaError([f"{row} is bad.", f"{row} is late."])
        return row

    results, problems = map_collecting(work, 70, n_workers=n_workers)
    assert problems == ["7 is bad.", "7 is late.", "37 is bad.", "37 is late.", "67 is bad.", "67 is late."]
    assert [row for row, result in enumerate(results) if result is None] == [7, 37, 67]


@pytest.mark.parametrize("n_workers", [1, 4])
def test_any_other_error_ends_all(n_workers):
    def work(row: int) -> None:
        raise ImportError(f"in {row}")

    with pytest.raises(ImportError, match="in 0"):
        map_collecting(work, 100, n_workers=n_workers)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    map_collecting(lambda row: row, 200, n_workers=4)
    assert threading.active_count() == before


def test_progress_goes_to_standard_error(capsys):
    assert map_collecting(lambda row: row, 3, progress=True)[0] == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_without_a_folder_nothing_is_kept():
    store = ImageCache(None)
    assert store.entry(["a.png"]) is None
    assert store.load(None) is None


def test_an_entry_follows_files_order_and_options(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(b"1")
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    store = ImageCache(tmp_path)
    entry = store.entry([a, b], size=8)
    assert entry == store.entry([a, b], size=8)
    assert len({entry, store.entry([b, a], size=8), store.entry([a], size=8), store.entry([a, b], size=9)}) == 4


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_has_another_entry(tmp_path, change):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    os.utime(path, ns=(0, 0))
    entry = ImageCache(tmp_path).entry([str(path)])
    path.write_bytes(b"12" if change == "content" else b"1")
    os.utime(path, ns=(0, 0 if change == "content" else 1))
    assert ImageCache(tmp_path).entry([str(path)]) != entry


def test_a_file_that_is_absent_has_no_entry(tmp_path):
    assert ImageCache(tmp_path).entry([str(tmp_path / "gone")]) is None


def write(pixels: np.ndarray) -> int:
    pixels[...] = np.arange(pixels.size, dtype=np.uint8).reshape(pixels.shape)
    return pixels.shape[3]


def write_grey(pixels: np.ndarray) -> int:
    pixels[...] = np.arange(pixels.size // 3, dtype=np.uint8).reshape(*pixels.shape[:3], 1)
    return 1


@pytest.mark.parametrize(("decode", "n_channels"), [(write, 3), (write_grey, 1)])
def test_what_is_kept_on_disk_is_what_is_kept_in_memory(tmp_path, decode, n_channels):
    entry = tmp_path / "new" / "images.npy"
    in_memory = ImageCache.fill(None, SHAPE, UINT8, decode=decode)
    on_disk = ImageCache.fill(entry, SHAPE, UINT8, decode=decode)
    assert isinstance(on_disk, np.memmap)
    assert not on_disk.flags.writeable
    assert on_disk.shape == (*SHAPE[:3], n_channels)
    np.testing.assert_array_equal(on_disk, in_memory)
    np.testing.assert_array_equal(ImageCache.load(entry), in_memory)
    assert [path.name for path in entry.parent.iterdir()] == ["images.npy"]


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fail(pixels: np.ndarray) -> int:
        pixels[:2] = 1
        raise SchemaError("Image 2 is damaged.")

    with pytest.raises(SchemaError, match="Image 2"):
        ImageCache.fill(tmp_path / "images.npy", SHAPE, UINT8, decode=fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 50, 150])
def test_an_entry_cut_off_is_made_anew(tmp_path, length):
    entry = tmp_path / "images.npy"
    ImageCache.fill(entry, SHAPE, UINT8, decode=write)
    entry.write_bytes(entry.read_bytes()[:length])
    assert ImageCache.load(entry) is None


def test_a_file_is_no_folder_for_a_cache(tmp_path):
    (tmp_path / "scans").write_bytes(b"")
    with pytest.raises(ValueError, match="cache must be a folder, got the file"):
        ImageCache(tmp_path / "scans")
