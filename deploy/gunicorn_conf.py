"""gunicorn, the same for every service and for the embedded site."""

import logging
import os
import shutil
from pathlib import Path

# Threads share one database pool; few of them, because Python runs one at a time.
worker_class = "deploy.graceful_worker.GracefulWorker"
# Each worker accepts on its own socket: with a shared one, keep-alive was measured to pile onto one worker.
reuse_port = True
timeout = 60
graceful_timeout = 20
keepalive = 15
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
# Behind a proxy only what the settings say is trusted (TRUSTED_PROXIES); gunicorn itself trusts nobody.
forwarded_allow_ips = ""
limit_request_line = 4094


def post_worker_init(_worker: object) -> None:
    """Send what gunicorn says the way of our own lines: it quotes requests and prints tracebacks."""
    log = logging.getLogger("gunicorn.error")
    log.handlers.clear()
    log.propagate = True


def on_exit(_server: object) -> None:
    """Remove what the workers of this run have counted together."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if Path(folder).name.startswith("rostrum-metrics-"):
        shutil.rmtree(folder, ignore_errors=True)
