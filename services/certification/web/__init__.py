"""Pages and API of certification."""

from services.certification.web import (
    activations,
    activations_api,
    certificates,
    certificates_api,
    verification,
)

BLUEPRINTS = (activations.blueprint, certificates.blueprint, verification.blueprint)
APIS = (certificates_api.blueprint, activations_api.blueprint)
