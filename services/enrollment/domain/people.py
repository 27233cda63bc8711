"""Names and addresses as people type them, made safe to store, print and mail."""

import re
import unicodedata
from dataclasses import dataclass

MAX_NAME = 100
MAX_EMAIL = 254
DEFAULT_LOCALE = "en"

_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Persian, Hindi, Sinhala and others spell with these invisible joiners; so do many emoji. Next to letters of the
# scripts below Hebrew they would only make two names look the same.
_JOINER = re.compile("(?<=[^\x00-\u058f\\s])[\u200c\u200d](?=[^\x00-\u058f\\s])")
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def clean_name(value: str) -> str:
    """The name in one line and one normal form; raises `ValueError` with a sentence for the person.

    Any letters of any script are welcome. Control and formatting characters are not: a line break could
    reach a mail header, and a direction override makes a name read as another. Joiners are spelling where their
    script needs them.
    """
    text = unicodedata.normalize("NFC", value)
    spelled = _JOINER.sub("", text)
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in spelled):
        raise ValueError("Enter the name in one line, without invisible characters.")
    text = " ".join(text.split())
    if not text:
        raise ValueError("Enter a name.")
    if len(text) > MAX_NAME:
        raise ValueError(f"Enter at most {MAX_NAME} characters.")
    return text


def clean_email(value: str) -> str:
    """The address, its domain in lower case and ASCII; raises `ValueError` with a sentence for the person.

    The local part keeps its case, because only its owner's server may judge it.
    """
    text = value.strip()
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower() if domain else ""
    except UnicodeError:
        ascii_domain = ""
    labels = ascii_domain.split(".")
    well_formed = (
        at
        and _LOCAL_PART.fullmatch(local)
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    if not well_formed:
        raise ValueError("Enter an e-mail address such as name@example.com.")
    address = f"{local}@{ascii_domain}"
    if len(address) > MAX_EMAIL:
        raise ValueError(f"Enter an e-mail address of at most {MAX_EMAIL} characters.")
    return address


def clean_locale(value: str | None) -> str:
    """The locale tag, or English when it cannot be one: a language is never a reason to refuse a buyer."""
    text = (value or "").strip()
    return text if len(text) <= 35 and _LOCALE.fullmatch(text) else DEFAULT_LOCALE


@dataclass(frozen=True, kw_only=True)
class PayerDetails:
    """Who pays: receives the confirmation and the booking link."""

    name: str
    email: str
    locale: str = DEFAULT_LOCALE


@dataclass(frozen=True, kw_only=True)
class AttendeeDetails:
    """Who sits in a seat. `registry_email` is the address of their Scrum Alliance account."""

    given_name: str
    family_name: str
    email: str
    registry_email: str


def check_party(
    payer: PayerDetails, attendees: tuple[AttendeeDetails, ...], *, max_seats: int
) -> tuple[PayerDetails, tuple[AttendeeDetails, ...], dict[str, list[str]]]:
    """Clean a payer and their attendees; the third value names what is wrong, by field path."""
    wrong: dict[str, list[str]] = {}

    def name(field: str, value: str) -> str:
        try:
            return clean_name(value)
        except ValueError as error:
            wrong.setdefault(field, []).append(str(error))
            return value

    def email(field: str, value: str) -> str:
        try:
            return clean_email(value)
        except ValueError as error:
            wrong.setdefault(field, []).append(str(error))
            return value

    clean_payer = PayerDetails(
        name=name("payer_name", payer.name),
        email=email("payer_email", payer.email),
        locale=clean_locale(payer.locale),
    )
    clean_attendees = tuple(
        AttendeeDetails(
            given_name=name(f"attendees.{index}.given_name", attendee.given_name),
            family_name=name(f"attendees.{index}.family_name", attendee.family_name),
            email=email(f"attendees.{index}.email", attendee.email),
            registry_email=email(f"attendees.{index}.registry_email", attendee.registry_email),
        )
        for index, attendee in enumerate(attendees)
    )
    if not attendees:
        wrong.setdefault("attendees", []).append("Name at least one attendee.")
    elif len(attendees) > max_seats:
        wrong.setdefault("attendees", []).append(f"Book at most {max_seats} seats at once.")
    # The registry keeps one account per address: two attendees with the same one would become one person.
    seen: dict[str, int] = {}
    for index, attendee in enumerate(clean_attendees):
        first = seen.setdefault(attendee.registry_email.casefold(), index)
        if first != index:
            wrong.setdefault(f"attendees.{index}.registry_email", []).append(
                f"Attendee {first + 1} has the same address. Each needs a Scrum Alliance account."
            )
    return clean_payer, clean_attendees, wrong
