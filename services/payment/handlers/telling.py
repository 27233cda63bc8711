"""Coverage as the other services hear it."""

from collections.abc import Iterable

from services.payment.domain import Coverage
from shared.contracts.payment import CoverageFact


def facts_of(changed: Iterable[Coverage]) -> tuple[CoverageFact, ...]:
    """What changed, each with the revision under which it is published."""
    return tuple(
        CoverageFact(enrollment_id=c.enrollment_id, revision=c.revision, state=c.state.value) for c in changed
    )
