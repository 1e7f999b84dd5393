"""Files are found on disk, in the cache, or fetched against the publisher's checksum, and nothing is left half-done."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from appkit.data import Source, download, find_file
from appkit.data.sources import find_folder
from appkit.exceptions import DatasetNotFoundError

CONTENT = b"loan,bad\n1,0\n"
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def publisher(tmp_path_factory):
    """Address of a local server that publishes loans.csv."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "loans.csv").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folders(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """An empty data folder, declared, and an empty cache."""
    declared, cache = tmp_path / "declared", tmp_path / "cache"
    monkeypatch.setenv("APPKIT_DATA", str(declared))
    monkeypatch.setattr(pooch, "os_cache", lambda _: cache)
    return declared, cache


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def test_the_declared_folder_comes_before_the_cache(folders):
    declared, cache = (put(folder / "finance" / "loans.csv") for folder in folders)
    source = Source("finance/loans.csv", address="https://example.org")
    assert find_file(source) == declared
    declared.unlink()
    assert find_file(source) == cache


def test_the_cache_alone_is_searched_when_no_folder_is_declared(folders, monkeypatch):
    monkeypatch.delenv("APPKIT_DATA")
    cached = put(folders[1] / "finance" / "loans.csv")
    assert find_file(Source("finance/loans.csv", address="https://example.org")) == cached


def test_a_compressed_file_is_also_found_uncompressed(folders):
    plain = put(folders[0] / "finance" / "loans.csv")
    assert find_file(Source("finance/loans.csv.gz", address="https://example.org")) == plain


@pytest.mark.usefixtures("folders")
def test_without_the_publishers_checksum_the_error_says_where_to_get_and_put_the_file(tmp_path):
    source = Source("finance/loans.csv", address="https://example.org/loans", url="https://example.org/loans.csv")
    with pytest.raises(DatasetNotFoundError) as caught:
        find_file(source)
    for part in ("loans.csv is neither under $APPKIT_DATA", "https://example.org/loans", str(tmp_path / "cache")):
        assert part in str(caught.value)


def test_a_file_with_a_checksum_is_fetched_into_the_cache(folders, publisher):
    source = Source("finance/loans.csv", address=publisher, url=f"{publisher}/loans.csv", known_hash=CHECKSUM)
    path = find_file(source)
    assert path == folders[1] / "finance" / "loans.csv"
    assert path.read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_leaves_nothing(tmp_path, publisher):
    with pytest.raises(ValueError, match="hash"):
        download(f"{publisher}/loans.csv", known_hash=f"sha256:{'0' * 64}", target=tmp_path / "loans.csv")
    assert list(tmp_path.iterdir()) == []


def test_an_absent_checksum_is_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(ValueError, match="known_hash must be the publisher's checksum"):
        download("http://127.0.0.1:1/loans.csv", known_hash="", target=tmp_path / "loans.csv")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "publisher"])
def test_an_address_that_does_not_answer_is_named_and_leaves_nothing(tmp_path, publisher, address):
    url = f"{publisher if address == 'publisher' else address}/absent.csv"
    with pytest.raises(DatasetNotFoundError, match="cannot be reached"):
        download(url, known_hash=CHECKSUM, target=tmp_path / "absent.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_found_where_it_is_declared_before_the_cache(folders):
    declared, cache = (put(folder / "medical" / "scans" / "a.png").parent for folder in folders)
    source = Source("medical/scans", address="https://example.org")
    assert find_folder(source) == declared
    (declared / "a.png").unlink()
    declared.rmdir()
    assert find_folder(source) == cache


def test_an_absent_folder_says_where_to_get_it_and_where_to_put_it(folders):
    with pytest.raises(
        DatasetNotFoundError, match=r"scans is neither under .*declared.* Get it from https://example.org"
    ):
        find_folder(Source("medical/scans", address="https://example.org"))
