"""Who may do what at the broker: one user declares, each service publishes its own events and reads its own queues.

A service that is taken over can then neither read what is meant for another one, nor say what only another
one may say.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from shared.messaging.bus import Manifest
from shared.messaging.rabbitmq_bus import topology
from shared.messaging.rabbitmq_bus.connection import vhost_of
from shared.messaging.rabbitmq_bus.management import manage

NOTHING = "^$"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Which names a broker user may declare, publish to and read from; each a regular expression.

    `routing_keys` narrows what it may publish to the events' exchange; None leaves that open. Who has `looks`
    sees the depth of queues at the management interface.
    """

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    routing_keys: str | None = None
    looks: bool = False


def declarer(manifest: Manifest) -> Rights:
    """The rights of the user that `topology apply` comes as."""
    names = [topology.EVENTS, topology.UNROUTED, *topology.queues(manifest)]
    everything = _one_of(names)
    # A queue's dead letters go through the default exchange: to declare that, one must be able to write there.
    return Rights(configure=everything, write=_one_of([*names, "amq.default"]), read=everything)


def service_user(service: str, published: Iterable[str]) -> Rights:
    """The rights of a service that publishes these event types."""
    return Rights(
        write=_one_of([topology.EVENTS]),
        read=_one_of([topology.inbox_queue(service), topology.crashed_queue(service)]),
        routing_keys=_one_of(published),
        looks=True,
    )


def grant(management_url: str, amqp_url: str, rights: Rights) -> str:
    """Make the user and the virtual host that `amqp_url` names, with these rights; returns the user's name.

    Safe to repeat: a changed password or changed rights hold from then on. `management_url` carries the name
    and the password of an administrator.
    """
    parts = urlsplit(amqp_url)
    name, vhost = unquote(parts.username or ""), quote(vhost_of(amqp_url), safe="")
    user = quote(name, safe="")
    manage(management_url, "PUT", f"/api/vhosts/{vhost}")
    account = {"password": unquote(parts.password or ""), "tags": "management" if rights.looks else ""}
    manage(management_url, "PUT", f"/api/users/{user}", account)
    allowed = {"configure": rights.configure, "write": rights.write, "read": rights.read}
    manage(management_url, "PUT", f"/api/permissions/{vhost}/{user}", allowed)
    if rights.routing_keys is not None:
        topics = {"exchange": topology.EVENTS, "write": rights.routing_keys, "read": NOTHING}
        manage(management_url, "PUT", f"/api/topic-permissions/{vhost}/{user}", topics)
    return name


def grant_all(
    management_url: str,
    declarer_url: str,
    service_urls: Mapping[str, str],
    manifest: Manifest,
    published: Mapping[str, Iterable[str]],
) -> list[str]:
    """`grant` for who declares and for every service, by the addresses they connect to; returns the names."""
    users = [grant(management_url, declarer_url, declarer(manifest))]
    for service, url in service_urls.items():
        users.append(grant(management_url, url, service_user(service, published.get(service, ()))))
    return users


def _one_of(names: Iterable[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in sorted(names))})$"
