"""Staff accounts and sessions."""

from datetime import UTC, datetime
from functools import partial

from services.enrollment import repository
from services.enrollment.commands import (
    AccreditTrainer,
    AddStaff,
    AdmitLogin,
    ChangeRoles,
    CloseStaff,
    ConfirmLogin,
    EndSession,
    ForgetLogins,
    SetPassword,
)
from services.enrollment.domain import LoginThrottle, StaffMember
from services.enrollment.domain.people import clean_email, clean_name
from services.enrollment.domain.staff import LOGIN_MEMORY, Admission, account_key, clean_roles
from shared.auth.refusals import RefuseBefore, RefuseSession, refuse_before, refuse_session
from shared.contracts.enrollment import StaffChanged, StaffSessionEnded
from shared.db.transaction import Tx
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id


def add_staff(command: AddStaff, tx: Tx) -> StaffMember:
    """Open an account."""
    wrong: dict[str, list[str]] = {}
    email, name, roles = command.email, command.name, command.roles
    try:
        email = clean_email(command.email).lower()
    except ValueError as error:
        wrong["email"] = [str(error)]
    try:
        name = clean_name(command.name)
    except ValueError as error:
        wrong["name"] = [str(error)]
    try:
        roles = clean_roles(command.roles)
    except ValueError:
        wrong["roles"] = ["Choose among trainer, finance, ops and admin."]
    if not roles:
        wrong["roles"] = ["Give at least one role."]
    if unknown := set(command.teaches) - set(repository.course_codes(tx.session)):
        wrong["teaches"] = [f"There is no course {', '.join(sorted(unknown))}."]
    if wrong:
        raise Invalid("bad_account", "Correct the fields that are marked.", fields=wrong)
    if repository.staff_by_email(tx.session, email) is not None:
        raise Conflict("account_exists", "There is already an account with this address.")
    now = datetime.now(UTC)
    member = StaffMember(
        staff_id=new_id(),
        email=email,
        name=name,
        password_hash=command.password_hash,
        roles=roles,
        teaches=command.teaches,
        created_at=now,
        changed_at=now,
    )
    tx.add(member)
    # The address is unique: a race on it shows here, and what follows may name the account.
    tx.flush()
    return member


def set_password(command: SetPassword, tx: Tx) -> None:
    """Give an account a new password."""
    member = _open_account(command.email, tx)
    member.password_hash = command.password_hash
    _changed(member, tx)


def change_roles(command: ChangeRoles, tx: Tx) -> None:
    """Give an account other roles."""
    member = _open_account(command.email, tx)
    roles = clean_roles(command.roles)
    if not roles:
        raise Invalid("bad_account", "Give at least one role.", fields={"roles": ["Give at least one role."]})
    if roles != member.roles:
        member.roles = roles
        _changed(member, tx)


def accredit_trainer(command: AccreditTrainer, tx: Tx) -> None:
    """Note which courses a trainer may teach; roles and sessions stay."""
    member = _open_account(command.email, tx)
    unknown = set(command.teaches) - set(repository.course_codes(tx.session))
    if unknown:
        raise Invalid("unknown_course", f"There is no course {', '.join(sorted(unknown))}.")
    member.teaches = tuple(sorted(set(command.teaches)))


def close_staff(command: CloseStaff, tx: Tx) -> None:
    """Close an account: nobody signs in with it any more. What it did keeps its name."""
    member = _open_account(command.email, tx)
    member.closed_at = datetime.now(UTC)
    _changed(member, tx)


def admit_login(command: AdmitLogin, tx: Tx) -> Admission:
    """Count one attempt on this account, unless it has to wait.

    Unknown addresses are counted too, so that the limit does not tell which accounts exist.
    """
    return _throttle(command.email, tx).admit(datetime.now(UTC))


def confirm_login(command: ConfirmLogin, tx: Tx) -> bool:
    """This attempt was no failure: whoever signs in often is not shut out for it.

    False when the account has changed since its password was judged: then nobody signs in.
    """
    member = tx.get_for_update(StaffMember, command.staff_id)
    if member is None or member.closed_at is not None or member.changed_at != command.changed_at:
        return False
    _throttle(command.email, tx).take_back(command.attempted_at)
    return True


def forget_logins(_command: ForgetLogins, tx: Tx) -> None:
    """Drop attempts to sign in that no longer count."""
    repository.forget_logins(tx.session.connection(), datetime.now(UTC) - LOGIN_MEMORY)


def end_session(command: EndSession, tx: Tx) -> None:
    """Refuse this session's cookie here, and tell the other services to."""
    refuse_session(RefuseSession(session_id=command.session_id), tx)
    tx.publish(
        StaffSessionEnded(
            staff_id=command.staff_id, session_id=command.session_id, ended_at=datetime.now(UTC)
        )
    )


def _throttle(email: str, tx: Tx) -> LoginThrottle:
    key = account_key(email)
    return tx.get_or_add(LoginThrottle, key, partial(LoginThrottle, account_key=key))


def _changed(member: StaffMember, tx: Tx) -> None:
    """End all sessions of this account, here and in the other services. Sessions live in real time."""
    now = datetime.now(UTC)
    member.changed_at = now
    refuse_before(RefuseBefore(staff_id=member.staff_id, changed_at=now), tx)
    tx.publish(StaffChanged(staff_id=member.staff_id, changed_at=now))


def _open_account(email: str, tx: Tx) -> StaffMember:
    # Locked before anything is changed: whoever signs in just now sees the change, or is refused by its moment.
    member = repository.staff_by_email(tx.session, email)
    if member is None or member.closed_at is not None:
        raise NotFound("unknown_account", "There is no open account with this address.")
    return member
