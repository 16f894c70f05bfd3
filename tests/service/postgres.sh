#!/usr/bin/env bash
# postgres.sh - a PostgreSQL server of our own, in a folder, on a socket in that folder.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: tests/service/postgres.sh start|stop|kill|freeze|thaw|url DIR

start   make a server in DIR (an absolute path) where there is none, start it, print its URL
stop    stop it; its data stay, and start goes on with them
kill    end all of it at once, as a lost machine would
freeze  let it answer nothing, with its sockets open (thaw: go on)
url     print its URL: the database test, on the socket in DIR, without TCP

DIR may hold nothing else. Removing it after stop removes all of it.
TEXT
}

die() {
    echo "postgres.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || { usage >&2 && exit 2; }
what=$1
dir=$2
case $dir in /*) ;; *) die "DIR must be an absolute path" ;; esac
[ "${#dir}" -le 80 ] || die "DIR is too long for a socket: 80 characters at most"

programs=
for folder in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
    [ -x "$folder/postgres" ] && programs=$folder
done
[ -n "$programs" ] || die "no PostgreSQL server on this machine; script/bootstrap --test installs it"

# The server refuses to run as root.
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif id postgres >/dev/null 2>&1; then
        setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
    else
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
    fi
}

url() {
    # The path, escaped as a host of a URL.
    printf 'postgresql://tester@%s/test\n' "${dir//\//%2F}"
}

control() { as_user "$programs/pg_ctl" -D "$dir/data" -s "$@" >&2; }

start() {
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        as_user true
        if id postgres >/dev/null 2>&1; then chown postgres "$dir"; else chown nobody "$dir"; fi
    fi
    local fresh=no
    if [ ! -e "$dir/data/PG_VERSION" ]; then
        fresh=yes
        as_user "$programs/initdb" -D "$dir/data" -U tester -A trust -E UTF8 --locale=C --no-sync \
            >"$dir/initdb.log" 2>&1 || die "initdb failed: $(tail -n 3 "$dir/initdb.log")"
        as_user tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
fsync = off # what was written survives a killed server, and that is what tests kill
unix_socket_directories = '$dir'
shared_buffers = 32MB
max_connections = 60
log_destination = stderr
CONF
    fi
    (cd / && control -w -t 60 -l "$dir/server.log" start) ||
        die "the server did not start: $(tail -n 3 "$dir/server.log")"
    if [ $fresh = yes ]; then
        (cd / && as_user "$programs/createdb" -h "$dir" -U tester test) || die "no database made"
    fi
    url
}

# All of its processes, the first of them first.
processes() {
    local first
    first=$(head -n 1 "$dir/data/postmaster.pid") || die "it does not run"
    echo "$first"
    tr ' ' '\n' <"/proc/$first/task/$first/children"
}

signal() {
    local list
    mapfile -t list < <(processes | grep .)
    as_user kill "-$1" "${list[@]}" || true # one may have ended by itself
}

cd / # where any user may stand
case $what in
start) start ;;
stop) control -w -t 60 -m fast stop ;;
kill)
    signal KILL
    # A dead server that nobody has reaped yet still counts as one with its lock.
    rm -f "$dir/data/postmaster.pid" "$dir"/.s.PGSQL.5432*
    ;;
freeze) signal STOP ;;
thaw) signal CONT ;;
url) url ;;
-h | --help) usage ;;
*) usage >&2 && exit 2 ;;
esac
