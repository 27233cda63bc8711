"""Compiles what our processes import, while the image is built: nobody can write in the finished one.

Only that: byte code for the whole of the packages would be a tenth of the image, and most of it never read.
By content and not by time, because copying between the stages of a build may change times.
"""

import importlib
import py_compile
import sys
from pathlib import Path

ROOTS = (
    "services.__main__",
    "services.enrollment.cli",
    "deploy.gunicorn_conf",
    "deploy.graceful_worker",
    "deploy.sandbox.__main__",
    "gunicorn.app.wsgiapp",
    "stripe.checkout",
)


def main() -> None:
    """Import everything, then compile what that brought along."""
    for name in ROOTS:
        importlib.import_module(name)
    files = {
        Path(found) for module in list(sys.modules.values()) if (found := getattr(module, "__file__", None))
    }
    # Migrations are loaded by path when they run; templates of theirs are no modules.
    files |= (
        set(Path("services").rglob("*.py"))
        | set(Path("shared").rglob("*.py"))
        | set(Path("deploy").rglob("*.py"))
    )
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for file in files:
        if file.suffix == ".py" and (file.is_relative_to(sys.prefix) or not file.is_absolute()):
            py_compile.compile(str(file), invalidation_mode=mode, doraise=True)


if __name__ == "__main__":
    main()
