"""What only a broker carries beside the body: properties are their sender's, and harm no reader whatever they are."""

import pytest

from shared.ids import new_id
from shared.messaging.bus import OutgoingMessage
from tests.contract.bus_conformance.harness import Site, parcels
from tests.contract.bus_conformance.subject import ParcelSent
from tests.support.stranger import PROPERTIES, properties, say

pytestmark = pytest.mark.parametrize("site", ["rabbitmq"], indirect=True)

KINDS = len(PROPERTIES)


def carry_strangely(site: Site, bodies: list[bytes]) -> None:
    """One after the other, each with other properties; a good one of ours between each two."""
    assert site.place.amqp_url is not None
    site.bus().check()
    for number, body in enumerate(bodies):
        say(site.place.amqp_url, [(ParcelSent.TYPE, body, properties(number)[1])])
        site.carry(site.message(parcels(1)[0]))


def dead_ids(site: Site) -> dict[bytes, str]:
    """The bytes of each dead message → its message id."""
    return {
        row.payload.encode() if row.raw is None else row.raw: row.message_id
        for row in site.inbox("left")
        if row.state == "dead"
    }


def test_an_unreadable_message_is_dead_whatever_its_properties_are(site: Site) -> None:
    bodies = [f"no JSON {n}".encode() for n in range(KINDS)]
    worker = site.start("left")
    carry_strangely(site, bodies)
    site.expect_states("left", handled=KINDS, dead=KINDS)
    assert set(dead_ids(site)) == set(bodies)
    assert worker.alive()


def test_a_readable_message_is_handled_whatever_its_properties_are(site: Site) -> None:
    sent = parcels(KINDS)
    worker = site.start("left")
    carry_strangely(site, [site.message(one).body for one in sent])
    site.expect_states("left", handled=2 * KINDS)
    site.expect_counted("left", sent)
    assert worker.alive()


def test_one_of_an_unknown_version_keeps_an_id_that_is_no_text(site: Site) -> None:
    """Or gets one made of its bytes, where its own cannot be kept."""
    bodies = [unknown(site.message(one)) for one in parcels(KINDS)]
    worker = site.start("left")
    carry_strangely(site, bodies)
    site.expect_states("left", handled=KINDS, dead=KINDS)
    ids = dead_ids(site)
    assert set(ids) == set(bodies)
    kinds = {properties(n)[0]: ids[body] for n, body in enumerate(bodies)}
    assert kinds["an id that is no text"] == "\\xc3(\\xa02"
    assert kinds["as long as can be"] == "i" * 254 + "4"
    assert {name for name, kept in kinds.items() if kept.startswith("unreadable:")} == {
        "none at all", "empty", "NUL", "a moment beyond all calendars",
    }  # fmt: skip
    assert worker.alive()


def unknown(message: OutgoingMessage) -> bytes:
    """The same, of a version that nobody reads yet."""
    other = message.body.replace(b"parcel.sent.v1", b"parcel.sent.v2")
    return other.replace(message.message_id.encode(), str(new_id()).encode())
