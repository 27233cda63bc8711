"""A mailbox that takes every letter: an SMTP server without a way out, and a page that shows what arrived.

```python
mailbox = Mailbox()
smtp = SmtpSink(mailbox, "127.0.0.1", 8025)   # `smtp.start()`, `smtp.stop()`
app = create_app(mailbox)
```

Letters live in memory, the latest few hundred of them. `GET /_sandbox/messages?to=…` gives them as JSON.
"""

from deploy.sandbox.mailbox.app import create_app
from deploy.sandbox.mailbox.letters import Letter, Mailbox
from deploy.sandbox.mailbox.smtp import SmtpSink

__all__ = ["Letter", "Mailbox", "SmtpSink", "create_app"]
