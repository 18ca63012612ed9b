"""Options: from what is typed to typed values, with errors that name the option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from mediaml.core.errors import OptionError
from mediaml.plugin import Meta, ModelSpec
from mediaml.registry.options import build_options, describe_options, options_record, split_assignments


@dataclass(frozen=True)
class Options:
    conf: Annotated[float, Meta(ge=0, le=1, description="least score")] = 0.25
    most: int = 3
    classes: tuple[str, ...] = ()
    mode: Literal["fast", "best"] = "fast"
    find: bool = False


SPEC = ModelSpec("cats", task="detect", load=lambda context: None, options=Options)


def test_texts_become_values():
    typed = {"conf": "0.4", "most": "7", "classes": "a, b", "mode": "best", "find": "yes"}
    assert build_options(SPEC, typed) == Options(0.4, 7, ("a", "b"), "best", True)
    assert build_options(SPEC, {}) == Options()


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        ('"traffic light, red",car', ("traffic light, red", "car")),
        ('car, "traffic light, red"', ("car", "traffic light, red")),
        ('"a ""quoted"" name",b', ('a "quoted" name', "b")),
        ('12" record,b', ('12" record', "b")),
        ('["a, b", "c"]', ("a, b", "c")),
        ("[a,b", ("[a", "b")),
        ("it's,b", ("it's", "b")),
        ("", ()),
    ],
)
def test_lists_are_lines_of_csv_or_json(text, members):
    assert build_options(SPEC, {"classes": text}).classes == members


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("classes", '"a, b', "unexpected end of data"),
        ("classes", "a\nb", "new-line"),
        ("conf", "2", "<= 1"),
        ("conf", "much", "float"),
        ("most", "1.5", "int"),
        ("mode", "slow", "slow"),
        ("mode", "slow", "`mediaml plugins info cats`"),
        ("mode", "fsat", "Did you mean 'fast'?"),
        ("find", "maybe", "bool"),
        ("cnf", "1", "Did you mean 'conf'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name, text, says):
    with pytest.raises(OptionError, match=says) as caught:
        build_options(SPEC, {name: text})
    assert name in str(caught.value)
    assert caught.value.exit_code == 2


def test_assignments_are_sorted_by_model():
    assert split_assignments(["conf=1"], ["cats"]) == {"cats": {"conf": "1"}}
    assert split_assignments(["a.x=1", "b.x=a=b"], ["a", "b"]) == {"a": {"x": "1"}, "b": {"x": "a=b"}}
    for wrong in ("conf", "c.x=1", "x=1"):
        with pytest.raises(OptionError):
            split_assignments([wrong], ["a", "b"])


def test_options_are_described_and_recorded():
    described = {option.name: option for option in describe_options(Options)}
    assert described["conf"].type == "float >= 0 <= 1"
    assert described["conf"].description == "least score"
    assert list(options_record(Options())) == ["classes", "conf", "find", "mode", "most"]
