"""One reference per activation and revision; a correction outlives later facts about the seat."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from services.certification.domain.facts import Person
from services.certification.domain.submission import Correction, reference_of, submitted_person

ACTIVATION = UUID("01926b1e-0000-5000-8000-000000000001")
PERSON = Person(
    given_name="Amara", family_name="Lindqvist", email="amara@example.com", registry_email="old@example.com"
)


def correction(revision: int) -> Correction:
    return Correction(
        reference=reference_of(ACTIVATION, revision),
        activation_id=ACTIVATION,
        revision=revision,
        registry_email="new@example.com",
        reason="The account has another address.",
        actor_id=ACTIVATION,
        actor_name="Noor",
        corrected_at=datetime(2026, 5, 12, tzinfo=UTC),
    )


def test_the_first_reference_is_the_activation_and_the_next_ones_differ() -> None:
    references = [reference_of(ACTIVATION, revision) for revision in (1, 2, 3)]
    assert references[0] == str(ACTIVATION)
    assert len(set(references)) == 3
    assert references == [reference_of(ACTIVATION, revision) for revision in (1, 2, 3)]


def test_without_a_correction_the_name_goes_out_as_it_is() -> None:
    assert submitted_person(PERSON, None) == PERSON


def test_a_correction_changes_the_account_and_nothing_else() -> None:
    assert submitted_person(PERSON, correction(2)) == replace(PERSON, registry_email="new@example.com")
