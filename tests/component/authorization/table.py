"""Who may call what: one row per route and method. A route without a row here breaks the build.

To add a route: add `get("/its/path", GUARD)` or `post("/its/path", GUARD, sends={…})` to the service's tuple below,
with the path as the route spells it. `opens` is what those answer who may call it; `sends` what a form (or, below
`/<service>/api/`, a JSON body) holds; `where` puts another of `world.py`'s examples into a variable of the path. A
variable that no row had before gets its example in `world.py`, under `values`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANONYMOUS = "anonymous"
LINK_HOLDER = "link holder"
OTHER_LINK_HOLDER = "other link holder"
ITS_TRAINER_HERSELF = "trainer of it"
OTHER_TRAINER = "other trainer"
FINANCE = "finance"
OPS = "ops"
ADMIN = "admin"
CALLERS = (
    ANONYMOUS, LINK_HOLDER, OTHER_LINK_HOLDER, ITS_TRAINER_HERSELF, OTHER_TRAINER, FINANCE, OPS, ADMIN,
)  # fmt: skip
STAFF = frozenset(CALLERS[3:])


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Who comes in. `purpose` is that of the link in the path, where there is one."""

    name: str
    callers: frozenset[str]
    purpose: str | None = None


ANYBODY = Guard(name="anybody", callers=frozenset(CALLERS))
ADMINS = Guard(name="administrators", callers=frozenset({ADMIN}))
FINANCE_PEOPLE = Guard(name="finance", callers=frozenset({FINANCE, ADMIN}))
OPS_PEOPLE = Guard(name="ops", callers=frozenset({OPS, ADMIN}))
TRAINERS = Guard(name="trainers", callers=frozenset({ITS_TRAINER_HERSELF, OTHER_TRAINER, ADMIN}))
ITS_TRAINER = Guard(name="its trainer", callers=frozenset({ITS_TRAINER_HERSELF, ADMIN}))
ONLY_ITS_TRAINER = Guard(name="its trainer alone", callers=frozenset({ITS_TRAINER_HERSELF}))
LINK_OR_STAFF = Guard(name="the link's holder, or staff", callers=STAFF | {LINK_HOLDER})


def link(purpose: str) -> Guard:
    """Who holds the link; the holder of another one sees their own things, never these."""
    return Guard(
        name=f"a {purpose} link", callers=frozenset({LINK_HOLDER, OTHER_LINK_HOLDER}), purpose=purpose
    )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One route and method, who may call it, and what they get."""

    method: str
    path: str
    guard: Guard
    opens: tuple[int, ...] = (200,)
    sends: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    form_token: bool = True
    """Whether a request that changes something needs a form token; the exception says so in its view."""
    token_outside_path: bool = False
    """Whether a link's token is shown in a header: there is no place for it in the path."""
    personal: bool = False
    """Whether those who may call it read there whose booking it is."""

    def __str__(self) -> str:
        step = f" {self.sends['step']}" if "step" in self.sends else ""
        return f"{self.method} {self.path}{step}"

    @property
    def changes(self) -> bool:
        """Whether it is a request that may change something."""
        return self.method not in ("GET", "HEAD", "OPTIONS")


def get(path: str, guard: Guard, *, opens: int | tuple[int, ...] = 200, **more: Any) -> Row:
    """A row for GET."""
    return Row(method="GET", path=path, guard=guard, opens=_tuple(opens), **more)


def post(path: str, guard: Guard, *, opens: int | tuple[int, ...], **more: Any) -> Row:
    """A row for POST."""
    return Row(method="POST", path=path, guard=guard, opens=_tuple(opens), **more)


def _tuple(statuses: int | tuple[int, ...]) -> tuple[int, ...]:
    return statuses if isinstance(statuses, tuple) else (statuses,)


EVERY_SERVICE = (
    get("/healthz", ANYBODY),
    get("/readyz", ANYBODY),
    get("/metrics", ANYBODY),
    get("/{service}/api/openapi.json", ANYBODY),
    get("/{service}/docs", ANYBODY),
    get("/{service}/docs/problems", ANYBODY),
    get("/{service}/docs/events", ANYBODY),
    get("/{service}/static/<path:filename>", ANYBODY),
    get("/{service}/ops", OPS_PEOPLE),
    get("/{service}/ops/messages", OPS_PEOPLE),
    get("/{service}/ops/messages/<source>/<message_id>", OPS_PEOPLE),
    post("/{service}/ops/messages/<source>/<message_id>/retry", OPS_PEOPLE, opens=(303, 409)),
    post(
        "/{service}/ops/messages/<source>/<message_id>/discard",
        OPS_PEOPLE,
        opens=(303, 409),
        sends={"reason": "no longer wanted"},
    ),
    get("/{service}/ops/published/<uuid:message_id>", OPS_PEOPLE),
    get("/{service}/ops/timeline", OPS_PEOPLE),
    get("/{service}/ops/history", OPS_PEOPLE),
    get("/{service}/ops/groups", OPS_PEOPLE),
    get("/{service}/ops/groups/<fingerprint>", OPS_PEOPLE),
    post(
        "/{service}/ops/groups/<fingerprint>/retry",
        OPS_PEOPLE,
        opens=303,
        sends={"type": "booking.placed.v1"},
    ),
    post(
        "/{service}/ops/groups/<fingerprint>/discard",
        OPS_PEOPLE,
        opens=303,
        sends={"type": "booking.placed.v1", "reason": "no longer wanted"},
    ),
)
"""What the kernel serves for each; `{service}` is its name."""

ROSTER = "/trainer/workshops/<uuid:workshop_id>"
NOBODY = "01900000-0000-7000-8000-000000000000"

TABLE: Mapping[str, tuple[Row, ...]] = {
    "enrollment": (
        get("/", ANYBODY),
        get("/workshops", ANYBODY),
        get("/workshops/<uuid:workshop_id>", ANYBODY),
        get("/workshops/<uuid:workshop_id>/book", ANYBODY, where={"workshop_id": "offered"}),
        post(
            "/workshops/<uuid:workshop_id>/book",
            ANYBODY,
            opens=422,
            sends={"step": "check"},
            where={"workshop_id": "offered"},
        ),
        get("/bookings/<token>", link("booking"), personal=True),
        # The booking of this story is paid: nothing can be held any longer.
        post("/bookings/<token>/more-time", link("booking"), opens=409, personal=True),
        get("/bookings/continue/<token>", link("pay"), opens=303),
        get("/staff/login", ANYBODY, opens=(200, 303)),
        post("/staff/login", ANYBODY, opens=422, sends={"email": "", "password": ""}),
        post("/staff/logout", ANYBODY, opens=303),
        # Moves nothing: the time of this story is not theirs.
        post("/enrollment/clock", ANYBODY, opens=400, sends={"step": "nowhere"}),
        get("/staff", ADMINS),
        get("/trainer", TRAINERS),
        get("/trainer/workshops/new", TRAINERS),
        post("/trainer/workshops/new", TRAINERS, opens=422, sends={"step": "draft"}),
        get(ROSTER, ITS_TRAINER, personal=True),
        get(f"{ROSTER}/print", ITS_TRAINER, personal=True),
        post(
            ROSTER, ITS_TRAINER, opens=(303, 422), sends={"step": "publish"}, where={"workshop_id": "draft"}
        ),
        post(ROSTER, ONLY_ITS_TRAINER, opens=303, sends={"step": "save"}, where={"workshop_id": "over"}),
        post(ROSTER, ONLY_ITS_TRAINER, opens=303, sends={"step": "everyone"}, where={"workshop_id": "over"}),
        post(ROSTER, ONLY_ITS_TRAINER, opens=422, sends={"step": "complete"}, where={"workshop_id": "over"}),
        # Nobody of that id is there: who may correct is asked first.
        post(
            ROSTER,
            ITS_TRAINER,
            opens=404,
            sends={"step": f"correct-{NOBODY}"},
            where={"workshop_id": "over"},
        ),
        post(
            ROSTER,
            ITS_TRAINER,
            opens=(303, 422),
            sends={"step": "withdraw"},
            where={"workshop_id": "unwanted"},
        ),
        get("/enrollment/api/workshops", ANYBODY),
        get("/enrollment/api/workshops/<uuid:workshop_id>", ANYBODY),
        post(
            "/enrollment/api/workshops/<uuid:workshop_id>/completion",
            ONLY_ITS_TRAINER,
            opens=409,
            where={"workshop_id": "over"},
        ),
        post("/enrollment/api/bookings", ANYBODY, opens=422),
        get("/enrollment/api/bookings/<token>", link("booking"), personal=True),
    ),
    "payment": (
        get("/pay/<token>", link("pay"), personal=True),
        get("/pay/cancelled", ANYBODY),
        get("/pay/return/<session_id>", ANYBODY),
        get("/finance", FINANCE_PEOPLE, personal=True),
        get("/finance/bookings.csv", FINANCE_PEOPLE, personal=True),
        get("/finance/bookings/<uuid:booking_id>", FINANCE_PEOPLE, personal=True),
        get("/payment/api/payments", FINANCE_PEOPLE, personal=True),
        get("/payment/api/payments/<uuid:payment_id>", FINANCE_PEOPLE, personal=True),
        # Nobody here is Stripe: everybody's signature is wrong.
        post("/webhooks/stripe", ANYBODY, opens=400, form_token=False),
    ),
    "certification": (
        get("/certificates/<token>", link("certificate"), personal=True),
        get("/certificates/<token>/attendance", link("certificate"), opens=(200, 409)),
        get("/certificates/activations", OPS_PEOPLE, personal=True),
        get("/certificates/activations/<uuid:enrollment_id>", OPS_PEOPLE, personal=True),
        post(
            "/certificates/activations/<uuid:enrollment_id>/resubmission",
            OPS_PEOPLE,
            opens=(303, 409, 422),
            sends={"registry_email": "right@example.com", "reason": "she rang us"},
            where={"enrollment_id": "refused"},
        ),
        post(
            "/certificates/activations/<uuid:enrollment_id>/resumption",
            OPS_PEOPLE,
            opens=(303, 409, 422),
            sends={"reason": "the registry is mended"},
        ),
        post(
            "/certificates/activations/<uuid:enrollment_id>/exam",
            OPS_PEOPLE,
            opens=(303, 422),
            sends={"passed_on": "2026-11-20"},
        ),
        get("/verify/<number>", ANYBODY),
        get("/certification/api/certificates/<uuid:enrollment_id>", LINK_OR_STAFF, token_outside_path=True),
        get("/certification/api/activations", OPS_PEOPLE),
    ),
}
"""The routes of each service."""


def rows_of(service: str) -> tuple[Row, ...]:
    """Every row of one service."""
    common = (Row(**{**vars(row), "path": row.path.replace("{service}", service)}) for row in EVERY_SERVICE)
    return (*common, *TABLE[service])
