#!/bin/sh
# The whole site in containers, with whichever Compose this machine has: `docker compose` (v2) or docker-compose 1.29.
#
#   deploy/compose.sh up             builds the image, starts everything, returns when it is healthy
#   deploy/compose.sh roll SERVICE   restarts a service's containers one after the other, each when the last is healthy
#   deploy/compose.sh …              anything else goes to Compose as it is: down, logs, ps, exec, up with more words …
#
# Settings come from `.env.production` where that file is, else from `.env`, the sandbox: nobody can forget which.
# ENV_FILE names another one.
set -eu
cd "$(dirname "$0")/.."
patience=${WAIT_SECONDS:-300}

env_file=${ENV_FILE:-}
if [ -z "$env_file" ]; then
    env_file=.env
    [ ! -f .env.production ] || env_file=.env.production
fi
if docker compose version >/dev/null 2>&1; then
    version=2
    compose="docker compose --env-file $env_file"
elif command -v docker-compose >/dev/null 2>&1; then
    version=1
    compose="docker-compose --env-file $env_file"
else
    echo "Neither \`docker compose\` nor docker-compose is here." >&2
    exit 1
fi

# Container ids of a service, or of all; jobs that have ended among them, what `run` left behind not.
ids() {
    # Long ids, because the older Compose prints only those.
    found=$($compose ps --all --quiet "$@") || return 1
    # shellcheck disable=SC2086
    [ -z "$found" ] || docker inspect --format \
        '{{if ne (index .Config.Labels "com.docker.compose.oneoff") "True"}}{{.Id}}{{end}}' $found | grep . || true
}

# One line for each container that is not well: a job that has not ended with 0, anything else that is not healthy.
ill() {
    # shellcheck disable=SC2086
    docker inspect --format \
        '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}exit {{.State.ExitCode}}{{end}}' \
        $1 | grep -v -e ' running healthy$' -e ' exited exit 0$' || true
}

# What the jobs said that ended badly: there it stands which setting is wrong.
give_up() {
    for container in $(ids); do
        case $(ill "$container") in
        *" exited exit "*)
            docker inspect --format '{{.Name}} said:' "$container" >&2
            docker logs --tail 20 "$container" >&2
            ;;
        esac
    done
    exit 1
}

# Wait until these containers are well.
await() {
    waited=0
    while not_well=$(ill "$1") && [ -n "$not_well" ]; do
        case $not_well in *" exited exit "*) give_up ;; esac
        if [ "$waited" -ge "$patience" ]; then
            echo "After $patience s not well:" >&2
            echo "$not_well" >&2
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

# A setting: of the shell, else of the file, as Compose reads it.
setting() {
    eval "given=\${$1:-}"
    # shellcheck disable=SC2154
    [ -n "$given" ] && echo "$given" || sed -n "s/^$1=//p" "$env_file"
}

open_at() {
    echo "Rostrum is open at $(setting PUBLIC_URL), with the settings of $env_file"
    case $(setting COMPOSE_PROFILES) in
    *sandbox*)
        echo "  Stripe sandbox          $(setting STRIPE_CHECKOUT_ORIGIN)"
        echo "  Scrum Alliance sandbox  $(setting SCRUM_ALLIANCE_SANDBOX_URL)"
        echo "  Mailbox                 http://127.0.0.1:$(setting MAILBOX_PORT)"
        ;;
    esac
}

case "$*" in
"" | up)
    if [ "$version" = 2 ]; then
        $compose up --build --wait --wait-timeout "$patience" || give_up
    else
        $compose build --quiet 2>/dev/null || $compose build
        $compose up --detach || give_up
        await "$(ids)"
    fi
    open_at
    ;;
roll | "roll "*)
    if [ $# -ne 2 ]; then
        echo "One service at a time: deploy/compose.sh roll SERVICE" >&2
        exit 2
    fi
    # What Compose cannot tell, such as the name of no service, it says itself.
    containers=$(ids "$2") || exit 1
    if [ -z "$containers" ]; then
        echo "There is no container of $2, so nothing was restarted: deploy/compose.sh up starts what is missing." >&2
        exit 1
    fi
    for container in $containers; do
        docker restart --time 30 "$container" >/dev/null
        await "$container"
        echo "$2: ${container%"${container#????????????}"} is well again"
    done
    ;;
"exec "* | "run "*)
    command=$1
    shift
    # Without a terminal, as in a script or a timer, none may be asked for.
    [ -t 0 ] || set -- -T "$@"
    # shellcheck disable=SC2086
    exec $compose "$command" "$@"
    ;;
*)
    # shellcheck disable=SC2086
    exec $compose "$@"
    ;;
esac
