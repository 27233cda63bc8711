"""The trainer's roster: recording, completing, correcting, printing."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.enrollment import handlers
from services.enrollment.commands import AddStaff
from services.enrollment.domain import WorkshopState
from shared.contracts.certification import MembershipSubmitted
from shared.contracts.enrollment import EnrollmentAssessed
from tests.component.enrollment.news import paid
from tests.component.enrollment.shop import PASSWORD_HASH, Shop
from tests.component.enrollment.visitor import Visitor, signed_in

TO_THE_END = timedelta(days=9)
HOSTILE = "<img src=x onerror=alert(1)>"


def roster_path(workshop_id: UUID) -> str:
    return f"/trainer/workshops/{workshop_id}"


def at_roster(shop: Shop, workshop_id: UUID) -> Visitor:
    visitor = signed_in(shop).open(roster_path(workshop_id))
    assert visitor.status == 200
    return visitor


def somebody_else(shop: Shop) -> UUID:
    """Another trainer."""
    with shop.service.transactions.begin() as tx:
        return handlers.add_staff(
            AddStaff(
                email="other@example.com",
                name="Oda Other",
                roles=("trainer",),
                teaches=("CSM",),
                password_hash=PASSWORD_HASH,
            ),
            tx,
        ).staff_id


def decided(*people: UUID, answer: str = "yes") -> dict[str, str]:
    """Both decisions about these people."""
    return {f"{subject}-{one}": answer for one in people for subject in ("participation", "understanding")}


def minutes_of(visitor: Visitor) -> dict[str, str]:
    return {name: value for name, value in visitor.form("save")[1].items() if name.startswith("minutes-")}


def completed(shop: Shop, seats: int = 2) -> tuple[Visitor, UUID, handlers.PlacedBooking]:
    """A workshop after its trainer completed it on the page."""
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, seats)
    shop.clock.advance(TO_THE_END)
    visitor = at_roster(shop, workshop_id).send("everyone")
    visitor.send("complete", **decided(*placed.enrollment_ids))
    assert visitor.status == 200, visitor.problems
    assert "The workshop is completed and the names are released" in visitor.text
    return visitor, workshop_id, placed


def test_the_list_begins_with_what_waits(shop: Shop) -> None:
    visitor = signed_in(shop).open("/trainer")
    assert "No workshop yet" in visitor.text
    assert ("/trainer/workshops/new", "Plan a workshop") in visitor.page.links
    first, second = shop.plan(title=f"First {HOSTILE}"), shop.plan(title="Second", publish=False)
    shop.confirmed(first, 2)
    shop.book(first)
    shop.clock.advance(TO_THE_END)
    shop.plan(title="Third")
    visitor.open("/trainer")
    assert HOSTILE in visitor.text
    assert HOSTILE not in visitor.page.html
    assert "2 of 10 1 waiting for payment To be completed" in visitor.text
    assert visitor.text.index("First") < visitor.text.index("Second") < visitor.text.index("Third")
    assert (f"/trainer/workshops/{second}", "Second") in visitor.page.links
    assert "Draft" in visitor.text


def test_other_trainers_rosters_are_closed_and_administrators_read_only(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.confirmed(workshop_id)
    mine = at_roster(shop, workshop_id)
    other = signed_in(shop, somebody_else(shop)).open("/trainer")
    assert "No workshop yet" in other.text
    for path in (roster_path(workshop_id), f"{roster_path(workshop_id)}/print"):
        assert other.open(path).status == 403
        assert "Family0" not in other.text
    token = other.open("/trainer/workshops/new").form("draft")[1]["csrf_token"]
    answer = other.client.post(roster_path(workshop_id), data={"csrf_token": token, "step": "everyone"})
    assert answer.status_code == 403
    assert minutes_of(mine.open(mine.path)) == dict.fromkeys(minutes_of(mine), "")

    admin = signed_in(shop, uuid4(), roles=("admin",), name="Jun").open(roster_path(workshop_id))
    assert "Only Mira Lindqvist can record and release the results" in admin.text
    assert "Given0 Family0" in admin.text
    assert not any(step == "save" for _, _, steps in admin.page.forms for step in steps)
    token = next(form for action, form, _ in admin.page.forms if action == "/staff/logout")["csrf_token"]
    answer = admin.client.post(roster_path(workshop_id), data={"csrf_token": token, "step": "everyone"})
    assert answer.status_code == 403
    assert mine.open(roster_path(uuid4())).status == 404


def test_minutes_and_decisions_are_saved(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    visitor = at_roster(shop, workshop_id)
    names = list(minutes_of(visitor))
    assert len(names) == 4
    visitor.send("save", **{names[0]: "400", **decided(placed.enrollment_ids[0], answer="no")})
    assert "Saved" in visitor.text
    assert minutes_of(visitor) == {names[0]: "400", names[1]: "", names[2]: "", names[3]: ""}
    assert visitor.form("save")[1][f"participation-{placed.enrollment_ids[0]}"] == "no"
    assert "Decided by Mira Lindqvist" in visitor.text
    assert "Still to do: Record the minutes of block 2. " in visitor.text
    visitor.send("everyone")
    assert sorted(minutes_of(visitor).values()) == ["400", "420", "420", "420"]


def test_wrong_minutes_are_marked_with_name_and_block_and_nothing_is_saved(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    visitor = at_roster(shop, workshop_id)
    names = list(minutes_of(visitor))
    typed = {names[0]: "421", names[1]: "seven", names[2]: "-1", names[3]: "7" * 50}
    visitor.send("save", **typed, **decided(*placed.enrollment_ids))
    assert visitor.status == 422
    assert visitor.problems == [
        f"Given{who} Family{who}, block {block}: Enter minutes between 0 and 420."
        for who in range(2)
        for block in (1, 2)
    ]
    assert minutes_of(visitor) == typed
    assert visitor.form("save")[1][f"understanding-{placed.enrollment_ids[1]}"] == "yes"
    assert all(not entry.minutes for entry in shop.roster(workshop_id).entries)


def test_emptied_minutes_do_not_come_back_in_silence(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.confirmed(workshop_id)
    visitor = at_roster(shop, workshop_id).send("everyone")
    name = next(iter(minutes_of(visitor)))
    visitor.send("save", **{name: " "})
    assert visitor.problems == [
        "Given0 Family0, block 1: Enter the minutes, 0 for somebody who was not there."
    ]
    assert "Saved" in visitor.send("save", **{name: "0"}).text


def test_completion_is_refused_with_what_each_one_lacks(shop: Shop) -> None:
    workshop_id = shop.plan()
    first, second = shop.confirmed(workshop_id, 2).enrollment_ids
    visitor = at_roster(shop, workshop_id)
    assert "complete" not in visitor.form("save")[2]
    assert "Possible from Tue 9 Mar 2027, 18:00 CET" in visitor.text
    visitor.form("save")[2].append("complete")
    visitor.send("complete")
    assert visitor.problems == [
        "The last block ends at 2027-03-09 17:00 UTC. Complete the workshop after that."
    ]
    shop.clock.advance(TO_THE_END)
    visitor.open(visitor.path).send("everyone").send("complete", **decided(first))
    assert visitor.status == 422
    assert visitor.problems == ["Given1 Family1: Decide about participation. Decide about understanding."]
    assert visitor.form("save")[1][f"participation-{first}"] == "yes", "what was typed is still there"
    assert shop.workshop(workshop_id).state is WorkshopState.PUBLISHED
    visitor.send("complete", **decided(second))
    assert shop.workshop(workshop_id).state is WorkshopState.COMPLETED


def test_a_correction_needs_a_reason_and_is_about_one_person(shop: Shop) -> None:
    visitor, workshop_id, placed = completed(shop)
    first, second = placed.enrollment_ids
    step = f"correct-{first}"
    _, form, _ = visitor.form(step)
    assert not any(str(second) in name for name in form)
    name = next(name for name in form if name.startswith("minutes-"))
    visitor.send(step, **{name: "100"})
    assert visitor.problems == ["Given0 Family0: Say in at most 1000 characters why you correct this."]
    assert visitor.form(step)[1][name] == "100"
    assert visitor.page.visible, "the form with the problem is unfolded"
    visitor.send(step, **{f"reason-{first}": HOSTILE})
    assert "Corrected and released again" in visitor.text
    latest = [event for event in shop.said(EnrollmentAssessed) if event.revision == 2]
    assert [(event.enrollment_id, event.attended_minutes, event.eligible) for event in latest] == [
        (first, 520, False)
    ]
    assert "Not eligible" in visitor.text
    shop.tell(
        MembershipSubmitted(
            enrollment_id=second,
            booking_id=placed.booking_id,
            activation_id=uuid4(),
            course_code="CSPO",
            occurred_at=shop.clock.now(),
        )
    )
    visitor.open(roster_path(workshop_id))
    assert not any(f"correct-{second}" in steps for _, _, steps in visitor.page.forms)
    visitor.form(step)[2].append(f"correct-{second}")
    visitor.send(f"correct-{second}", **{f"reason-{second}": "late"})
    assert visitor.problems[0].startswith("This attendee's name has already been submitted")


def test_who_is_confirmed_after_completion_can_still_be_released(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.confirmed(workshop_id)
    late = shop.book(workshop_id)
    shop.clock.advance(TO_THE_END)
    shop.fill_roster(workshop_id)
    visitor = at_roster(shop, workshop_id).send("complete")
    shop.tell(paid(late))
    step = f"correct-{late.enrollment_ids[0]}"
    _, form, _ = visitor.open(visitor.path).form(step)
    minutes = {name: "420" for name in form if name.startswith("minutes-")}
    visitor.send(
        step, **minutes, **decided(*late.enrollment_ids), **{f"reason-{late.enrollment_ids[0]}": "paid late"}
    )
    assert visitor.status == 200, visitor.problems
    assert shop.said(EnrollmentAssessed)[-1].enrollment_id == late.enrollment_ids[0]


def test_a_draft_is_published_or_refused_with_the_missing_minutes(shop: Shop) -> None:
    short = shop.plan(publish=False, course_code="CSM")
    visitor = at_roster(shop, short)
    assert "Only staff can see it" in visitor.text
    visitor.send("publish")
    assert visitor.status == 422
    assert visitor.problems == [
        "The blocks add up to 840 contact minutes without breaks, but CSM requires 960: 120 minutes are missing. "
        "Lengthen a block."
    ]
    visitor.send("withdraw")
    assert visitor.path == "/trainer"
    assert "Cancelled" in visitor.text
    assert "Cancelled" in visitor.open(roster_path(short)).text
    good = shop.plan(publish=False)
    assert "The workshop is published" in at_roster(shop, good).send("publish").text
    assert Visitor(shop).open(f"/workshops/{good}").status == 200


def test_the_printed_list_has_everybody_and_room_to_write(shop: Shop) -> None:
    workshop_id = shop.plan()
    visitor = signed_in(shop).open(f"{roster_path(workshop_id)}/print")
    assert "Nobody is confirmed yet" in visitor.text
    shop.confirmed(workshop_id, 3)
    visitor.open(visitor.path)
    for who in range(3):
        assert f"Given{who} Family{who} person{who}@registry.example.com 420 min 420 min" in visitor.text
    at_roster(shop, workshop_id).send("everyone")
    assert "420 of 420 min" in visitor.open(visitor.path).text


def test_fields_and_buttons_made_by_hand_get_a_page(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id)
    visitor = at_roster(shop, workshop_id)
    token = visitor.form("save")[1]["csrf_token"]
    stranger, block = uuid4(), shop.roster(workshop_id).blocks[0].block_id
    for body, status in (
        ({"step": "nonsense"}, 400),
        ({"step": "correct-x"}, 400),
        ({"minutes-x-y": "1"}, 400),
        ({"participation-x": "yes"}, 400),
        ({f"minutes-{stranger}-{block}": "1"}, 422),
        ({f"minutes-{placed.enrollment_ids[0]}-{stranger}": "1"}, 422),
        ({f"understanding-{stranger}": "yes"}, 422),
        ({"step": f"correct-{stranger}"}, 404),
    ):
        answer = visitor.client.post(visitor.path, data={"csrf_token": token, **body})
        assert answer.status_code == status, (body, answer.text)
    assert visitor.client.post(visitor.path, data={"step": "everyone"}).status_code == 403
