"""One function per command, each inside a transaction and never at the network."""

from services.certification.handlers.corrections import (
    record_exam,
    resubmit_membership,
    resume_activation,
)
from services.certification.handlers.facts import (
    close_workshop,
    open_joins,
    record_assessment,
    record_coverage,
    record_seats,
)
from services.certification.handlers.stranded import withhold_stranded
from services.certification.handlers.submissions import (
    begin_submission,
    forget_call,
    postpone_check,
    record_acceptance,
    record_check,
    record_refusal,
    withhold_submission,
)

__all__ = [
    "begin_submission",
    "close_workshop",
    "forget_call",
    "open_joins",
    "postpone_check",
    "record_acceptance",
    "record_assessment",
    "record_check",
    "record_coverage",
    "record_exam",
    "record_refusal",
    "record_seats",
    "resubmit_membership",
    "resume_activation",
    "withhold_stranded",
    "withhold_submission",
]
