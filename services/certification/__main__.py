"""`python -m services.certification web|worker|migrate|…`."""

from services.certification.app import build
from services.certification.settings import Settings
from shared.cli import main

if __name__ == "__main__":
    main("certification", Settings, build)
