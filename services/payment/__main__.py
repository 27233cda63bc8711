"""`python -m services.payment web|worker|migrate|…`."""

from services.payment.app import build
from services.payment.settings import Settings
from shared.cli import main

if __name__ == "__main__":
    main("payment", Settings, build)
