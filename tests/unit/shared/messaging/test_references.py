"""What can be seen in a body without reading it is what its reader would find, and never anybody's name."""

import json
from uuid import UUID

import pytest

from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import read_examples
from shared.messaging.codec import Codec
from shared.messaging.references import MOST, ids_in, not_seen
from tests.factories.orders import an_order, encode
from tests.support.malformed import bad_events

CODEC = Codec(REGISTRY)
EXAMPLES = read_examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_reference_of_an_event_can_be_seen(name: str) -> None:
    """One of another form would be found only after it was handled: give it a UUID, or teach `ids_in` its form."""
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps(EXAMPLES[name], separators=separators).encode()
        references = CODEC.decode(body).references
        assert set(ids_in(body)) == set(references)
        assert not not_seen(references)


def test_other_references_are_left_to_the_reader() -> None:
    encoded = encode(an_order())
    seen = ids_in(encoded.body.encode())
    assert seen
    assert not_seen(encoded.references) == ["carrier-1", "parcel-1"]
    assert {*seen, "carrier-1", "parcel-1"} == set(encoded.references)


def test_of_a_body_that_is_of_no_contract_only_ids_are_taken() -> None:
    for bad in bad_events(3, 1000, MANIFEST):
        for reference in ids_in(bad.body):
            assert str(UUID(reference)) == reference, bad.kind


def test_there_is_an_end_to_them() -> None:
    ids = [str(UUID(int=number)) for number in range(MOST + 50)]
    body = "".join(f'{{"x_id":"{each}"}}' for each in ids).encode()
    assert ids_in(body) == tuple(ids[:MOST])
