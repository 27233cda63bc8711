"""A stand-in for Stripe: its HTTP API, its payment page and its webhooks. No money moves.

```python
app = create_app(StripeSandboxConfig(webhook_url="http://127.0.0.1:8000/webhooks/stripe", public_url=…))
start_background(app)   # webhooks and expiry; `stop(app)` ends them
```

What it cannot prove: Stripe's real fees, timing, fraud checks, 3-D Secure, taxes and the wording of its
messages.
"""

from deploy.sandbox.stripe.app import create_app
from deploy.sandbox.stripe.background import start_background, stop
from deploy.sandbox.stripe.config import API_VERSION, StripeSandboxConfig

__all__ = ["API_VERSION", "StripeSandboxConfig", "create_app", "start_background", "stop"]
