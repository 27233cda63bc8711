"""How far the membership activation of one enrollment has come: states as a table with reasons."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID, uuid5

# Fixed for ever: the activation id follows from the enrollment id, so that no race can make two.
ACTIVATION_NAMESPACE = UUID("6f1b7a52-90d3-5c1e-8e0f-3b1d2a7c4e95")


class Activation(StrEnum):
    """States of an activation. Whether it is flagged is told by `Join.flagged_at`, beside the state."""

    WAITING = "waiting"
    REQUESTED = "requested"
    WITHHELD = "withheld"
    SENDING = "sending"
    SUBMITTED = "submitted"
    ACTIVATED = "activated"
    REFUSED = "refused"


SENT = frozenset({Activation.SUBMITTED, Activation.ACTIVATED})
"""The Scrum Alliance holds the name: losing a fact from now on flags the enrollment."""

UNDER_WAY = frozenset({Activation.REQUESTED, Activation.SENDING})
"""The task is at it: it judges again before each call, so that nobody else has to."""

TRANSITIONS: Mapping[tuple[Activation, Activation], str] = {
    (Activation.WAITING, Activation.REQUESTED): "seat, payment and assessment came together",
    (Activation.REQUESTED, Activation.WITHHELD): "a fact fell away before the name was sent",
    (Activation.REQUESTED, Activation.SENDING): "the request is stored; the call follows",
    (Activation.SENDING, Activation.SUBMITTED): "the registry accepted the name, or already knew it",
    (Activation.SENDING, Activation.REFUSED): "the registry refused the name for good",
    (Activation.SENDING, Activation.WITHHELD): "a fact fell away, and the registry does not know the name",
    (Activation.WITHHELD, Activation.REQUESTED): "what had fallen away came back",
    (Activation.WITHHELD, Activation.SUBMITTED): "a call given up as lost turned out to have arrived",
    (Activation.REQUESTED, Activation.SUBMITTED): "a call given up as lost turned out to have arrived",
    (Activation.REFUSED, Activation.REQUESTED): "staff corrected the data and asked again, with a reason",
    (Activation.SUBMITTED, Activation.ACTIVATED): "the attendee accepted the membership",
}


def activation_id_of(enrollment_id: UUID) -> UUID:
    """The one activation an enrollment can have."""
    return uuid5(ACTIVATION_NAMESPACE, str(enrollment_id))
