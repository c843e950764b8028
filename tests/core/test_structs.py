"""Typed values from files: errors name the place of the wrong value."""

from dataclasses import dataclass

import pytest
from msgspec import Struct

from cartoonize.core.structs import build


class Inner(Struct, forbid_unknown_fields=True):
    value: float = 0.0


class Outer(Struct, forbid_unknown_fields=True):
    count: int
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()


@dataclass
class Plain:
    name: str = ""


def test_values_become_a_struct():
    """Nested tables become nested structs; an integer may stand for a float."""
    assert build(Outer, {"count": 1, "inner": {"value": 2}}) == Outer(1, Inner(2.0))
    assert build(Plain, {"name": "a"}) == Plain("a")


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Outer, {}, "missing required field count."),
        (Outer, {"count": "1"}, "count: expected int, got str."),
        (Outer, {"count": 1, "inner": {"value": "x"}}, "inner.value: expected float, got str."),
        (
            Outer,
            {"count": 1, "inner": {"valeu": 1}},
            "inner: unknown key 'valeu'; the keys are value. Did you mean value?",
        ),
        (Outer, {"count": 1, "inners": [{"value": "x"}]}, "inners[0].value: expected float, got str."),
        (Outer, {"count": 1, "inners": [{"other": 1}]}, "inners[0]: unknown key 'other'."),
        (Plain, {"nme": "a"}, "unknown key 'nme'; the keys are name. Did you mean name?"),
        (Plain, {"name": 1}, "name: expected str, got int."),
        (Plain, ["name"], "expected object, got array."),
    ],
)
def test_a_mistake_names_its_place(kind, values, message):
    """The message names the place, what was expected and what is there, and the known keys."""
    with pytest.raises(ValueError, match=r".") as error:
        build(kind, values)
    assert str(error.value) == message
