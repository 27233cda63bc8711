"""Guards declare who may call; a view wears exactly one."""

import pytest

from shared.auth.guards import access_of, link, public, staff


def view() -> str:
    """A view."""
    return "seen"


def test_declarations_can_be_read() -> None:
    assert access_of(view) is None
    roles = access_of(staff("trainer", "admin")(view))
    assert roles
    assert roles.roles == {"trainer", "admin"}
    purpose = access_of(link("booking")(view))
    assert purpose
    assert purpose.purpose == "booking"


def test_two_guards_are_one_too_many() -> None:
    guarded = staff("trainer")(view)
    with pytest.raises(TypeError, match="two access guards"):
        public("why not")(guarded)


def test_each_needs_its_argument() -> None:
    with pytest.raises(ValueError, match="reason"):
        public("")
    with pytest.raises(ValueError, match="role"):
        staff()
