"""Planning a workshop on a page."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.enrollment.domain import Delivery, WorkshopState
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.test_pages_trainer import at_roster, somebody_else
from tests.component.enrollment.visitor import Visitor, signed_in

NEW = "/trainer/workshops/new"
PLAN = {
    "course_code": "CSPO",
    "title": "Product Owner in Berlin",
    "delivery": "in_person",
    "venue": "Lindenhof, Berlin",
    "time_zone": "Europe/Berlin",
    "capacity": "12",
    "price": "1290.50",
    "currency": "EUR",
    "blocks__0__day": "2027-05-10",
    "blocks__0__starts_at": "09:00",
    "blocks__0__ends_at": "17:00",
    "blocks__0__break_minutes": "60",
    "blocks__1__day": "2027-05-11",
    "blocks__1__starts_at": "09:00",
    "blocks__1__ends_at": "17:00",
    "blocks__1__break_minutes": "60",
}


def planned(visitor: Visitor) -> UUID:
    """Which workshop the roster is about."""
    assert visitor.path.startswith("/trainer/workshops/"), visitor.problems
    return UUID(visitor.path.removeprefix("/trainer/workshops/")[:36])


def test_a_draft_is_what_was_typed_on_the_workshops_own_clock(shop: Shop) -> None:
    visitor = signed_in(shop).open(NEW)
    assert len([name for name in visitor.page.visible if name.endswith("-day")]) == 2
    visitor.send("draft", **PLAN)
    assert "The draft is saved" in visitor.text
    assert "Mon 10 May 2027, 09:00 to 17:00 CEST" in visitor.text
    workshop = shop.workshop(planned(visitor))
    assert workshop.state is WorkshopState.DRAFT
    assert (workshop.title, workshop.capacity) == ("Product Owner in Berlin", 12)
    assert (workshop.price_minor, workshop.currency) == (129_050, "EUR")
    assert (workshop.delivery, workshop.venue, workshop.join_link) == (
        Delivery.IN_PERSON,
        "Lindenhof, Berlin",
        None,
    )
    assert workshop.trainer_id == shop.trainer_id
    assert workshop.starts_at == datetime(2027, 5, 10, 7, tzinfo=UTC)
    assert workshop.ends_at == datetime(2027, 5, 11, 15, tzinfo=UTC)


def test_published_at_once_it_is_in_the_catalogue(shop: Shop) -> None:
    visitor = signed_in(shop).open(NEW)
    visitor.send("publish", **{**PLAN, "delivery": "online", "join_link": "https://meet.example.com/x"})
    assert "The workshop is published" in visitor.text
    assert "Product Owner in Berlin" in Visitor(shop).open("/workshops").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"course_code": "CSM"},
            "The blocks add up to 840 contact minutes without breaks, but CSM requires 960: "
            "120 minutes are missing. Lengthen a block.",
        ),
        (
            {"blocks__0__day": "2027-02-10", "blocks__1__day": "2027-02-11"},
            "The first block has already begun. Move the blocks first.",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_in_a_sentence_and_kept(
    shop: Shop, changes: dict[str, str], said: str
) -> None:
    visitor = signed_in(shop).open(NEW).send("publish", **{**PLAN, **changes})
    assert visitor.status == 422
    assert visitor.problems == [said]
    assert visitor.form("draft")[1]["title"] == "Product Owner in Berlin"
    assert shop.count("workshop") == 0, "not even a draft is left behind"
    assert visitor.send("draft").status == 200


def test_an_empty_form_names_every_field(shop: Shop) -> None:
    visitor = signed_in(shop).open(NEW).send("publish")
    block = ["Enter the day.", "Enter when it starts, such as 09:00.", "Enter when it ends, such as 17:00."]
    assert visitor.problems == [
        "Choose a course.",
        "Enter a title.",
        "Choose how people meet.",
        "Choose a time zone.",
        *(
            f"Block {number}: {text}"
            for number in (1, 2)
            for text in (*block, "Enter the minutes of all breaks together, 0 for none.")
        ),
        "Enter how many seats there are.",
        "Enter the price of a seat.",
    ]
    assert shop.count("workshop") == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time_zone": "Berlin"}, "Choose a time zone from the list, such as Europe/Berlin."),
        ({"time_zone": "../../etc/passwd"}, "Choose a time zone from the list, such as Europe/Berlin."),
        ({"price": "1,290.00"}, "Enter a price such as 1290 or 1290.50."),
        ({"price": "-1"}, "Enter a price such as 1290 or 1290.50."),
        ({"price": "12.345"}, "Enter a price such as 1290 or 1290.50."),
        ({"price": "1290.50", "currency": "JPY"}, "Enter a price such as 1290."),
        ({"currency": "XXX"}, "Enter one of"),
        ({"course_code": "XYZ"}, "Enter the code of a course"),
        ({"capacity": "0"}, "Enter how many seats there are."),
        ({"capacity": "501"}, "Enter a number of seats between 1 and 500."),
        ({"title": "x" * 101}, "Enter a title in one line of at most 100 characters."),
        ({"venue": ""}, "A workshop in person needs a venue."),
        ({"delivery": "online"}, "An online workshop needs a link to join."),
        ({"delivery": "online", "join_link": "javascript:alert(1)"}, "Enter a link that starts with https://."),
        ({"delivery": "by_pigeon"}, "Choose how people meet."),
        ({"blocks__0__ends_at": "09:00"}, "Block 1: A block ends after it starts."),
        ({"blocks__1__day": "2027-05-10"}, "Block 2: A block starts after the one before has ended."),
        ({"blocks__1__break_minutes": "480"}, "Block 2: Breaks must be shorter than the block."),
        ({"blocks__1__day": "2027-02-30"}, "Block 2: Enter the day."),
        ({"blocks__1__starts_at": "25:00"}, "Block 2: Enter when it starts, such as 09:00."),
        (
            {"blocks__0__day": "2027-03-28", "blocks__0__starts_at": "02:30"},
            "Block 1: The clocks skip this time on that day. Enter another one.",
        ),
    ],
)  # fmt: skip
def test_each_mistake_is_said_at_its_field(shop: Shop, changes: dict[str, str], said: str) -> None:
    visitor = signed_in(shop).open(NEW).send("draft", **{**PLAN, **changes})
    assert visitor.status == 422
    (problem,) = visitor.problems
    assert problem.startswith(said)
    assert visitor.page.problems[0][1], "the sentence leads to its field"
    form = visitor.form("draft")[1]
    typed = {name.replace("__", "-"): value for name, value in {**PLAN, **changes}.items()}
    chosen = {"delivery", "course_code", "currency"}
    assert {name: form[name] for name in typed if name not in chosen} == {
        name: value for name, value in typed.items() if name not in chosen
    }


def test_blocks_are_added_with_the_hours_of_the_last_and_removed(shop: Shop) -> None:
    visitor = signed_in(shop).open(NEW).send("add", **PLAN)
    _, form, _ = visitor.form("draft")
    assert [form[f"blocks-2-{name}"] for name in ("day", "starts_at", "break_minutes")] == [
        "2027-05-12",
        "09:00",
        "60",
    ]
    _, form, steps = visitor.send("remove-0").form("draft")
    assert [form[f"blocks-{n}-day"] for n in range(2)] == ["2027-05-11", "2027-05-12"]
    assert form["title"] == "Product Owner in Berlin"
    _, form, steps = visitor.send("remove-0").form("draft")
    assert not any(step.startswith("remove") for step in steps)
    visitor.send("add", blocks__0__day="not a day")
    assert visitor.form("draft")[1]["blocks-1-day"] == ""


def test_administrators_choose_the_trainer(shop: Shop) -> None:
    admin = signed_in(shop, uuid4(), roles=("admin",)).open(NEW)
    assert "Mira Lindqvist (teaches CSPO, CSM)" in admin.text
    admin.send("draft", **PLAN)
    assert admin.problems == ["Choose a trainer."]
    other = somebody_else(shop)
    admin.send("publish", trainer_id=str(other))
    assert admin.problems == ["Only an accredited trainer can teach CSPO. Note the accreditation first."]
    admin.send("draft", trainer_id=str(uuid4()))
    assert admin.problems == ["Choose a trainer with an open account."]
    admin.send("publish", trainer_id=str(shop.trainer_id))
    assert shop.workshop(planned(admin)).trainer_id == shop.trainer_id


def test_trainers_plan_their_own_workshops_only(shop: Shop) -> None:
    visitor = signed_in(shop).open(NEW)
    assert "trainer_id" not in visitor.page.visible
    visitor.send("draft", **PLAN, trainer_id=str(somebody_else(shop)))
    assert shop.workshop(planned(visitor)).trainer_id == shop.trainer_id


def test_another_one_like_this_is_typed_in_already(shop: Shop) -> None:
    workshop_id = shop.plan(title="<i>Like this</i>", price_minor=198_000, currency="JPY")
    visitor = at_roster(shop, workshop_id)
    (like,) = (href for href, text in visitor.page.links if text == "Plan another one like this")
    visitor.open(like).send("draft", delivery="online")
    copy, model = shop.workshop(planned(visitor)), shop.workshop(workshop_id)
    for name in (
        "title",
        "course_code",
        "time_zone",
        "starts_at",
        "ends_at",
        "capacity",
        "price_minor",
        "currency",
    ):
        assert getattr(copy, name) == getattr(model, name), name
    other = signed_in(shop, somebody_else(shop))
    assert other.open(like).status == 403
    assert other.open(f"{NEW}?like={uuid4()}").status == 404
    for nonsense in ("nonsense", "-" * 36):
        assert other.open(f"{NEW}?like={nonsense}").status == 200
