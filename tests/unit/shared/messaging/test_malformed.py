"""A body that is not of the contract is unreadable, whatever is wrong with it, and the reason quotes nothing of it."""

import json

import pytest

from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.published import read_examples
from shared.errors import Permanent
from shared.messaging.codec import Codec, Unreadable, redact
from tests.support.malformed import TRACES, bad_events

CODEC = Codec(REGISTRY)


def test_every_malformed_body_is_refused_without_a_word_of_it() -> None:
    for bad in bad_events(1, 1500, MANIFEST):
        with pytest.raises(Permanent) as refusal:
            CODEC.decode(bad.body)
        assert not [trace for trace in TRACES if trace in str(refusal.value)], bad.kind


@pytest.mark.parametrize("name", ["id", "type", "data"])
def test_a_name_that_comes_twice_is_refused(name: str) -> None:
    text = json.dumps(read_examples()["booking.placed.v1"])
    body = f'{{"{name}":{{"person":{{"payer_name":"Grace"}}}},{text[1:]}'
    with pytest.raises(Unreadable, match="not JSON"):
        CODEC.decode(body.encode())


def test_nothing_is_kept_of_a_stored_body_in_which_a_name_comes_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        redact('{"data":{"person":{"payer_name":"Grace"}},"data":{}}')
