"""The embedded German Credit file is the publisher's, and every code is decoded to what the publisher wrote."""

import hashlib
import re
from pathlib import Path

import pytest

from domains.finance import data, german_credit

EMBEDDED = Path(data.__file__).with_name("german.data.txt")

# code: (german.names, our word)
MEANINGS = {
    "A11": ("... < 0 DM", "below 0 DM"),
    "A12": ("0 <= ... < 200 DM", "0 to 200 DM"),
    "A13": ("... >= 200 DM / salary assignments for at least 1 year", "200 DM or more, or salary for a year"),
    "A14": ("no checking account", "no checking account"),
    "A30": ("no credits taken/ all credits paid back duly", "no credits taken or all paid back duly"),
    "A31": ("all credits at this bank paid back duly", "all credits at this bank paid back duly"),
    "A32": ("existing credits paid back duly till now", "existing credits paid back duly till now"),
    "A33": ("delay in paying off in the past", "delay in paying off in the past"),
    "A34": ("critical account/ other credits existing (not at this bank)", "critical account or credits elsewhere"),
    "A40": ("car (new)", "car (new)"),
    "A41": ("car (used)", "car (used)"),
    "A42": ("furniture/equipment", "furniture or equipment"),
    "A43": ("radio/television", "radio or television"),
    "A44": ("domestic appliances", "domestic appliances"),
    "A45": ("repairs", "repairs"),
    "A46": ("education", "education"),
    "A47": ("(vacation - does not exist?)", "vacation"),
    "A48": ("retraining", "retraining"),
    "A49": ("business", "business"),
    "A410": ("others", "others"),
    "A61": ("... < 100 DM", "below 100 DM"),
    "A62": ("100 <= ... < 500 DM", "100 to 500 DM"),
    "A63": ("500 <= ... < 1000 DM", "500 to 1000 DM"),
    "A64": (".. >= 1000 DM", "1000 DM or more"),
    "A65": ("unknown/ no savings account", "unknown or none"),
    "A71": ("unemployed", "unemployed"),
    "A72": ("... < 1 year", "below 1 year"),
    "A73": ("1 <= ... < 4 years", "1 to 4 years"),
    "A74": ("4 <= ... < 7 years", "4 to 7 years"),
    "A75": (".. >= 7 years", "7 years or more"),
    "A91": ("male : divorced/separated", "male, divorced or separated"),
    "A92": ("female : divorced/separated/married", "female, divorced, separated or married"),
    "A93": ("male : single", "male, single"),
    "A94": ("male : married/widowed", "male, married or widowed"),
    "A95": ("female : single", "female, single"),
    "A101": ("none", "none"),
    "A102": ("co-applicant", "co-applicant"),
    "A103": ("guarantor", "guarantor"),
    "A121": ("real estate", "real estate"),
    "A122": (
        "if not A121 : building society savings agreement/ life insurance",
        "building society savings or life insurance",
    ),
    "A123": ("if not A121/A122 : car or other, not in attribute 6", "car or other"),
    "A124": ("unknown / no property", "unknown or none"),
    "A141": ("bank", "bank"),
    "A142": ("stores", "stores"),
    "A143": ("none", "none"),
    "A151": ("rent", "rent"),
    "A152": ("own", "own"),
    "A153": ("for free", "for free"),
    "A171": ("unemployed/ unskilled - non-resident", "unemployed or unskilled, non-resident"),
    "A172": ("unskilled - resident", "unskilled, resident"),
    "A173": ("skilled employee / official", "skilled employee or official"),
    "A174": (
        "management/ self-employed/ highly qualified employee/ officer",
        "management, self-employed or highly qualified",
    ),
    "A191": ("none", "none"),
    "A192": ("yes, registered under the customers name", "registered"),
    "A201": ("yes", "yes"),
    "A202": ("no", "no"),
}


def test_the_embedded_file_is_the_publishers():
    digest = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    assert digest == "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871"


def test_every_code_has_the_words_of_the_publisher(data_dir):
    names = (data_dir / "finance" / "german_credit" / "german.names").read_text(encoding="latin-1")
    entries = re.findall(r"^\s*(A\d+) :(.*?)(?=^\s*A\d+ :|^Att|^\s*8\.)", names, re.MULTILINE | re.DOTALL)
    assert {code: " ".join(words.split()) for code, words in entries} == {
        code: words for code, (words, _) in MEANINGS.items()
    }


def test_every_cell_agrees_with_the_shared_copy(data_dir):
    rows = [line.split() for line in (data_dir / "finance" / "german_credit" / "german.data").read_text().splitlines()]
    decoded = german_credit.read_german_credit(EMBEDDED)
    expected = [[_expected(cell) for cell in row[:-1]] + [{"1": "good", "2": "bad"}[row[-1]]] for row in rows]
    assert decoded.to_numpy(dtype=object).tolist() == expected


def _expected(cell: str) -> str | int:
    return MEANINGS[cell][1] if cell in MEANINGS else int(cell)


@pytest.mark.parametrize(("column", "position"), [("checking_status", 0), ("age", 12), ("foreign_worker", 19)])
def test_columns_stand_where_the_publisher_lists_them(column, position):
    assert german_credit.COLUMN_NAMES[position] == column
