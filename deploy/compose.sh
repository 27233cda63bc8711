#!/bin/sh
# The whole site in containers, with whichever Compose this machine has: `docker compose` (v2) or docker-compose 1.29.
#
#   deploy/compose.sh up       builds the image, starts everything, returns when it is healthy
#   deploy/compose.sh …        anything else goes to Compose as it is: down, logs, ps, exec …
set -eu
cd "$(dirname "$0")/.."
patience=${WAIT_SECONDS:-300}

if docker compose version >/dev/null 2>&1; then
    compose="docker compose"
elif command -v docker-compose >/dev/null 2>&1; then
    compose=docker-compose
else
    echo "Neither \`docker compose\` nor docker-compose is here." >&2
    exit 1
fi

# One line for each container that is not well: a job that has not ended with 0, anything else that is not healthy.
ill() {
    # Long ids, because the old Compose prints only those.
    ids=$($compose ps --all --quiet 2>/dev/null || $compose ps --quiet)
    # shellcheck disable=SC2086
    docker inspect --format \
        '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}exit {{.State.ExitCode}}{{end}}' \
        $ids | grep -v -e ' running healthy$' -e ' exited exit 0$' || true
}

# A setting: of the shell, else of `.env`, as Compose reads it.
setting() {
    eval "given=\${$1:-}"
    # shellcheck disable=SC2154
    [ -n "$given" ] && echo "$given" || sed -n "s/^$1=//p" .env
}

open_at() {
    echo "Rostrum is open at $(setting PUBLIC_URL)"
    case $(setting COMPOSE_PROFILES) in
    *sandbox*)
        echo "  Stripe sandbox          $(setting STRIPE_CHECKOUT_ORIGIN)"
        echo "  Scrum Alliance sandbox  $(setting SCRUM_ALLIANCE_SANDBOX_URL)"
        echo "  Mailbox                 http://127.0.0.1:$(setting MAILBOX_PORT)"
        ;;
    esac
}

case ${1:-up} in
up)
    if [ "$compose" = "docker compose" ]; then
        docker compose up --build --wait --wait-timeout "$patience"
        open_at
        exit
    fi
    $compose build --quiet 2>/dev/null || $compose build
    $compose up --detach
    waited=0
    while [ -n "$(ill)" ]; do
        if [ "$waited" -ge "$patience" ]; then
            echo "After $patience s not well:" >&2
            ill >&2
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    open_at
    ;;
*)
    # shellcheck disable=SC2086
    exec $compose "$@"
    ;;
esac
