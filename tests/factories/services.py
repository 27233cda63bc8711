"""The services as their composition roots build them, on a database file that nothing has touched."""

import importlib
import importlib.util
from pathlib import Path

from shared.config import KernelSettings, load_settings
from shared.service import Service

SERVICES = ("enrollment", "payment", "certification")


def composed(name: str, folder: Path) -> Service:
    """One service in sandbox mode, as `services/<name>/app.py` builds it."""
    root = importlib.import_module(f"services.{name}.app")
    settings_type: type[KernelSettings] = importlib.import_module(f"services.{name}.settings").Settings
    settings = load_settings(
        settings_type, {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": f"sqlite:///{folder / name}.db"}
    )
    service: Service = root.build(settings)
    return service
