"""Every mistake is answered with what was given, where, and what to give instead, in no words of the bindings."""

import re

import pytest
from mistakes import MISTAKES

# What Rust, serde and PyO3 say by themselves.
FOREIGN = re.compile(
    r"object cannot be|PyO3|\bRust\b|integral type|\b[iu](8|16|32|64)\b|usize|&str|Vec<|Option<|unwrap|"
    r"expected struct|invalid type|variant index|panicked"
)


def test_the_mistakes_are_many():
    assert len(MISTAKES) >= 120


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered(name):
    call, what, where, remedy = MISTAKES[name]
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of any class
        call()
    text = str(raised.value)
    assert re.search(what, text), f"does not say what was given: {text}"
    assert re.search(where, text), f"does not say where: {text}"
    assert re.search(remedy, text), f"does not say what to give instead: {text}"
    assert not FOREIGN.search(text), text


def test_an_error_names_no_secret():
    (call, *_rest) = MISTAKES["a secret of the wrong type"]
    with pytest.raises(TypeError) as raised:
        call()
    assert "5" not in str(raised.value)
