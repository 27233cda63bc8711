"""`python -m services.enrollment web|worker|migrate|seed|bookings|staff|workshops|seats|…`."""

from services.enrollment.app import build
from services.enrollment.settings import Settings
from shared.cli import main

main("enrollment", Settings, build)
