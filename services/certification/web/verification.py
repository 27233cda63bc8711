"""Anybody who was told a certificate's number may check it."""

import re

from flask import Blueprint, Response

from services.certification.queries import certificate_by_number
from shared.auth.guards import public
from shared.errors import NotFound
from shared.web.current import current_service
from shared.web.pages import page

blueprint = Blueprint("verification", __name__)

_SEPARATORS = re.compile(r"[\s-]+")


@blueprint.get("/verify/<number>")
@public("whoever was given the number may check it")
def verify_certificate(number: str) -> Response:
    """Valid, expired or on hold; of the holder no more than it takes to recognise them."""
    plain = _SEPARATORS.sub("", number).upper()
    spelled = "-".join((plain[:4], plain[4:8], plain[8:]))
    with current_service().transactions.read() as session:
        found = certificate_by_number(session, spelled)
    if found is None:
        raise NotFound("certificate_unknown", "No certificate has this number. Check it, letter by letter.")
    certificate, join = found
    today = current_service().clock.now().date()
    holder = f"{join.given_name or ''} {(join.family_name or '')[:1]}.".strip()
    return page(
        "certification/verification.html",
        certificate=certificate,
        holder=holder,
        standing=certificate.standing(today, flagged=join.flagged_at is not None),
    )
