"""Groups of fields that are added and removed."""

import pytest

from shared.web.repeated import count_groups, index_of, summarised, without_group

TYPED = {
    "title": "x",
    "guests-0-email": "a",
    "guests-1-email": "b",
    "guests-2-email": "c",
    "rooms-1-size": "9",
}


@pytest.mark.parametrize(
    ("typed", "count"),
    [({}, 0), (TYPED, 3), ({"guests-7-email": ""}, 8), ({"guests-999-email": ""}, 10), ({"guests-1000-x": ""}, 0),
     ({"guests--1-x": "", "guests-x-y": "", "guests-1": "", "guestsx-4-y": ""}, 0)],
)  # fmt: skip
def test_groups_are_counted_up_to_a_limit(typed: dict[str, str], count: int) -> None:
    assert count_groups(typed, "guests", most=10) == count


def test_what_stands_behind_moves_up() -> None:
    assert without_group(TYPED, "guests", 1) == {
        "title": "x",
        "guests-0-email": "a",
        "guests-1-email": "c",
        "rooms-1-size": "9",
    }
    assert without_group(TYPED, "guests", 7) == TYPED


@pytest.mark.parametrize(
    ("step", "index"),
    [("remove-0", 0), ("remove-12", 12), ("remove-", None), ("remove-1x", None), ("add", None)],
)
def test_buttons_name_their_group(step: str, index: int | None) -> None:
    assert index_of(step, "remove") == index


def test_the_summary_says_which_group() -> None:
    errors = {
        "title": ["Enter a title."],
        "guests-1-email": ["Enter an e-mail address."],
        "rooms-0-size": ["Wrong."],
    }
    assert summarised(errors, "guests", "Guest") == {
        "title": ["Enter a title."],
        "guests-1-email": ["Guest 2: Enter an e-mail address."],
        "rooms-0-size": ["Wrong."],
    }
