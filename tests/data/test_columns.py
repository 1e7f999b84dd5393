"""One column's declaration, on its own."""

import pytest

from appkit.data import Column


def test_a_column_survives_its_plain_form():
    column = Column("job", "category", categories=("clerk", "nurse"), has_missing=True)
    assert Column.from_dict(column.to_dict()) == column


def test_the_plain_form_holds_json_types_only():
    state = Column("months", "numeric", minimum=0.0, maximum=9.0, special_codes=(-9.0,)).to_dict()
    assert (state["special_codes"], state["categories"], state["minimum"]) == ([-9.0], None, 0.0)


@pytest.mark.parametrize(("field", "value"), [("kind", "image"), ("role", "target")])
def test_a_kind_or_role_that_does_not_exist_is_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} of column 'job' must be one of .*, got '{value}'"):
        Column(**{"name": "job", "kind": "category", field: value})
