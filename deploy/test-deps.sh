#!/bin/sh
# Installs what `make test` can use beyond Python: RabbitMQ, PostgreSQL and Chromium, from Debian's packages.
# No service is started: the tests start private instances of their own. Run as root on Debian.
#
#   deploy/test-deps.sh                installs what is missing; does nothing when nothing is
#   deploy/test-deps.sh --if-missing   the same before a test run: silent when nothing is missing, content
#                                      with a Docker daemon, never a reason not to run the tests
#   deploy/test-deps.sh --missing      names what is missing, and installs nothing
set -eu

policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
saved=$policy.before-rostrum
oldest_postgres=15

has_command() {
    command -v "$1" >/dev/null 2>&1
}

has_rabbitmq() {
    # /usr/sbin, where the command is, need not be on the path of a user.
    has_command erl && has_command epmd &&
        { has_command rabbitmq-server || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; }
}

has_postgres() {
    for server in "${POSTGRES_ROOT:-/usr/lib/postgresql}"/*/bin/postgres; do
        [ -x "$server" ] || continue
        version=${server%/bin/postgres}
        [ "${version##*/}" -ge "$oldest_postgres" ] 2>/dev/null && return 0
    done
    return 1
}

has_chromium() {
    has_command chromium || has_command chromium-browser || has_command google-chrome
}

missing() {
    has_rabbitmq || echo rabbitmq-server
    has_postgres || echo postgresql
    has_chromium || echo chromium
}

# Debian's maintainer scripts ask this file before they start a service; 101 means "do not".
forbid_services() {
    # A copy from a run that was killed is older than the file in place, so it is the one to keep.
    if [ ! -e "$saved" ] && [ ! -L "$saved" ]; then
        if [ -e "$policy" ]; then mv "$policy" "$saved"; else ln -s absent "$saved"; fi || return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
}

restore_policy() {
    if [ -L "$saved" ] && [ "$(readlink "$saved")" = absent ]; then
        rm -f "$policy" "$saved"
    elif [ -e "$saved" ] || [ -L "$saved" ]; then
        mv -f "$saved" "$policy"
    fi
}

install() {
    trap restore_policy EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    export DEBIAN_FRONTEND=noninteractive
    # Chained, because `set -e` does not reach into a command whose failure is looked at. The names are our own
    # words; the browser draws no letters without a font.
    # shellcheck disable=SC2086
    forbid_services &&
        apt-get update -qq -o DPkg::Lock::Timeout=120 &&
        apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 $1 fonts-dejavu-core >/dev/null
}

mode=${1:-install}
wanted=$(missing)
names=$(echo "$wanted" | tr '\n' ' ')

case $mode in
--missing)
    [ -z "$wanted" ] || echo "$wanted"
    exit 0
    ;;
--if-missing)
    [ -n "$wanted" ] || exit 0
    if docker info >/dev/null 2>&1; then
        echo "Missing: ${names}— Docker answers, so the tests take their servers from there."
        exit 0
    fi
    ;;
install) ;;
*)
    echo "usage: deploy/test-deps.sh [--missing | --if-missing]" >&2
    exit 2
    ;;
esac

if [ -z "$wanted" ]; then
    echo "RabbitMQ, PostgreSQL and Chromium are here; nothing to install."
    exit 0
fi

# Before a test run this is only a service: without it the tests that need more are skipped, and say so.
give_up() {
    [ "$mode" != --if-missing ] || { echo "$1"; exit 0; }
    echo "$1" >&2
    exit 1
}

if [ "$(id -u)" -ne 0 ]; then
    give_up "Missing: ${names}— run deploy/test-deps.sh as root, or install them yourself."
fi
if ! grep -qx 'ID=debian' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null; then
    give_up "Missing: ${names}— deploy/test-deps.sh knows Debian only; install them with your system's tools."
fi

echo "Installing ${names}from Debian's packages; no service is started."
# In a shell of its own, so that the policy is restored before anything else is said.
(install "$names") || give_up "The installation of ${names}failed."

still=$(missing | tr '\n' ' ')
[ -z "$still" ] || give_up "Still missing after the installation: $still"
echo "Installed."
