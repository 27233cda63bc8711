"""A stand-in for the Scrum Alliance: a roster that takes names, sends a letter, and misbehaves on request.

```python
app = create_app(ScrumAllianceConfig(smtp=("127.0.0.1", 8025), public_url="http://127.0.0.1:8002"))
start_background(app)   # letters; `stop(app)` ends them
```

API, with `Authorization: Bearer <key>`:

- `POST /api/members` takes `reference, course_code, given_name, family_name, email` and, if known,
  `course_ended_on`. 201 with the member; 200 for the same again; 409 `reference_in_use` for other details
  under the same reference; 422 with `code` `invalid` (and `errors` by field) or `unknown_email`.
- `GET /api/members?reference=…` answers `{"members": […]}`: `reference`, `status` (submitted, activated),
  `submitted_at, activated_at, issued_on`. Where the course has an exam, `issued_on` waits until it is passed.

Controls: `GET /_sandbox/counters`, `GET /_sandbox/members`, `POST /_sandbox/behaviour` and
`/_sandbox/behaviour/reset`, `POST /_sandbox/members/<id>/activate` and `/pass-exam`, `POST /_sandbox/reset`.

What it cannot prove: the real registry's fields, speed, limits, fees and letters.
"""

from deploy.sandbox.scrum_alliance.app import create_app, start_background, stop
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig

__all__ = ["ScrumAllianceConfig", "create_app", "start_background", "stop"]
