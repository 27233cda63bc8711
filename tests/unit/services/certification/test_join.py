"""The join's row: facts by revision, states along the table."""

from itertools import permutations, product
from uuid import UUID, uuid4

import pytest

from services.certification.domain.activation import SENT, TRANSITIONS, Activation, activation_id_of
from services.certification.domain.facts import Coverage, CoverageFact, Person, Seat, SeatFact
from services.certification.domain.join import Join
from services.certification.domain.submission import Correction, reference_of, submitted_person
from tests.component.certification.line import START

ADA = Person(
    given_name="Ada", family_name="Lovelace", email="ada@example.com", registry_email="ada@home.example"
)


def fresh() -> Join:
    return Join(enrollment_id=uuid4(), booking_id=uuid4())


def test_in_every_order_the_greatest_revision_stays() -> None:
    facts = [
        CoverageFact(revision=1, state=Coverage.COVERED, occurred_at=START),
        CoverageFact(revision=2, state=Coverage.FROZEN, occurred_at=START),
        CoverageFact(revision=3, state=Coverage.UNCOVERED, occurred_at=START),
    ]
    for order in permutations(facts):
        join = fresh()
        for fact in order:
            join.record_coverage(fact)
        assert (join.coverage_revision, join.coverage) == (3, Coverage.UNCOVERED)


def test_the_same_revision_twice_is_one() -> None:
    join = fresh()
    fact = SeatFact(revision=1, state=Seat.CONFIRMED, person=ADA)
    assert join.record_seat(fact, START)
    assert not join.record_seat(fact, START)


def test_a_lost_seat_keeps_the_person_whose_name_may_be_out() -> None:
    join = fresh()
    join.record_seat(SeatFact(revision=1, state=Seat.CONFIRMED, person=ADA), START)
    join.record_seat(SeatFact(revision=2, state=Seat.EXPIRED), START)
    assert join.person == ADA


@pytest.mark.parametrize(("before", "after"), list(product(Activation, Activation)))
def test_states_move_along_the_table_only(before: Activation, after: Activation) -> None:
    join = fresh()
    join.activation = before
    if (before, after) in TRANSITIONS:
        join.move_to(after)
        assert join.activation is after
    else:
        with pytest.raises(ValueError, match="does not go"):
            join.move_to(after)


def test_a_name_that_is_out_never_comes_back() -> None:
    assert all(after in SENT for before, after in TRANSITIONS if before in SENT)


def test_every_state_can_be_reached() -> None:
    assert {after for _, after in TRANSITIONS} | {Activation.WAITING} == set(Activation)


def test_one_enrollment_has_one_activation_for_ever() -> None:
    enrollment_id = UUID("018f2f6e-8f00-7aaa-8bbb-0123456789ab")
    assert str(activation_id_of(enrollment_id)) == "7fd317cc-c16d-55b1-b7db-7ac7c1caf73b"


def test_each_revision_has_a_reference_of_its_own() -> None:
    activation_id = activation_id_of(uuid4())
    assert reference_of(activation_id, 1) == str(activation_id)
    assert reference_of(activation_id, 2) == f"{activation_id}.2"


def test_a_correction_outlives_later_seat_facts() -> None:
    correction = Correction(
        reference="r", activation_id=uuid4(), revision=2, registry_email="right@home.example",
        reason="she rang", actor_id=uuid4(), actor_name="Olga", corrected_at=START,
    )  # fmt: skip
    assert submitted_person(ADA, correction).registry_email == "right@home.example"
    assert submitted_person(ADA, correction).given_name == "Ada"
    assert submitted_person(ADA, None) == ADA
