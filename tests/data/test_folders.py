"""Files below a folder come in the order a person would put them."""

import pytest

from appkit.data.folders import files_below
from appkit.exceptions import SchemaError


def test_numbers_in_names_count_as_numbers_and_case_does_not(tmp_path):
    for name in ("image 10.png", "Image 2.png", "b/1.png", "B/0.png", "image 2.PNG", "10/x", "9/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.as_posix() for path in files_below(tmp_path)] == [
        "9/x",
        "10/x",
        "B/0.png",
        "b/1.png",
        "Image 2.png",
        "image 2.PNG",
        "image 10.png",
    ]


def test_hidden_files_and_what_is_in_hidden_folders_are_left_out(tmp_path):
    (tmp_path / ".cache").mkdir()
    for name in (".DS_Store", ".cache/a.png", "a.png"):
        (tmp_path / name).touch()
    assert [path.as_posix() for path in files_below(tmp_path)] == ["a.png"]


def test_a_folder_below_a_hidden_one_is_not_hidden_itself(tmp_path):
    root = tmp_path / ".data" / "scans"
    root.mkdir(parents=True)
    (root / "a.png").touch()
    assert len(files_below(root)) == 1


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"folder must be a folder that exists, got '.*nowhere'"):
        files_below(tmp_path / "nowhere")
