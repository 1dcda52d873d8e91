#!/bin/sh
# Installs this checkout as systemd services, or removes them. First it shows what it will do. It may run again at any
# time: it then installs the version of the checkout, and changes no setting and no secret.
set -eu

usage() {
    cat <<TEXT
Usage: deploy/systemd/install.sh [--dry-run] [--yes] [--uninstall]

  --dry-run    print what would be done, and do nothing
  --yes        do not ask
  --uninstall  stop and remove the services and the program; leave settings, secrets and data

Needs Python 3.11 or newer with venv; set PYTHON to use an interpreter other than python3. Makes the account crewkit,
the program in /opt/crewkit, the settings in /etc/crewkit/env and the units in /etc/systemd/system. It starts nothing.
TEXT
}

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
CHECKOUT=$(CDPATH='' cd -- "$HERE/../.." && pwd)
PROGRAM=/opt/crewkit
SETTINGS=/etc/crewkit
UNITS=/etc/systemd/system
PYTHON=${PYTHON:-python3}
DOES=print

run() { # prints a command, and runs it unless only printing
    echo "  $*"
    [ "$DOES" = print ] || "$@"
}

check_python() { # the units run as another account, and can't see home folders
    found=$("$PYTHON" -c 'import sys; print(sys.base_prefix if sys.version_info >= (3, 11) else "old")')
    case $found in
    old) problem="is older than 3.11" ;;
    /home/* | /root/* | /run/user/*) problem="is in a home folder ($found), which the services cannot read" ;;
    *) return 0 ;;
    esac
    echo "$PYTHON $problem: use another one, for example PYTHON=/usr/bin/python3 $0" >&2
    exit 1
}

install_all() {
    getent passwd crewkit >/dev/null ||
        run useradd --system --user-group --home-dir /var/lib/crewkit --no-create-home --shell /usr/sbin/nologin crewkit
    run install -d -m 755 "$SETTINGS"
    run install -d -m 700 "$SETTINGS/secrets"
    [ -e "$SETTINGS/env" ] || run install -m 600 "$HERE/env.example" "$SETTINGS/env"
    [ -x "$PROGRAM/bin/python" ] || run "$PYTHON" -m venv "$PROGRAM"
    # The versions in requirements.lock, which were tested. pip checks the hashes of uv, and uv those of the others.
    sed -n '/^uv==/,/ via/p' "$CHECKOUT/requirements.lock" | run "$PROGRAM/bin/python" -m pip install --quiet \
        --disable-pip-version-check --require-hashes --requirement /dev/stdin
    # From the checkout, since uv looks there for the overrides in pyproject.toml.
    run "$PROGRAM/bin/uv" --directory "$CHECKOUT" pip install --quiet --python "$PROGRAM/bin/python" \
        --constraint requirements.lock --reinstall-package crewkit-sessions .
    run "$PROGRAM/bin/uv" pip uninstall --quiet --python "$PROGRAM/bin/python" setuptools # installed by venv, not needed
    for unit in "$HERE"/*.service "$HERE"/*.timer; do
        run install -m 644 "$unit" "$UNITS/"
    done
    run systemctl daemon-reload
}

uninstall_all() {
    for unit in "$HERE"/*.timer "$HERE"/*.service; do
        name=$(basename "$unit")
        [ -e "$UNITS/$name" ] || continue
        run systemctl stop "$(echo "$name" | sed 's/@/@*/')"
        run systemctl disable --quiet "$name"
        run rm -f "$UNITS/$name"
    done
    run systemctl daemon-reload
    [ ! -e "$PROGRAM" ] || run rm -rf "$PROGRAM"
}

WORK=install_all ASKS=yes REHEARSAL=no
for option in "$@"; do
    case $option in
    --dry-run) REHEARSAL=yes ;;
    --yes) ASKS=no ;;
    --uninstall) WORK=uninstall_all ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done

[ "$WORK" = uninstall_all ] || [ -x "$PROGRAM/bin/python" ] || check_python
echo "This will run:"
$WORK
[ "$REHEARSAL" = no ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "Run it as root." >&2
    exit 1
fi
if [ "$ASKS" = yes ]; then
    printf 'Continue? [y/N] '
    read -r answer || answer=
    [ "$answer" = y ] || exit 1
fi
DOES=run
$WORK
if [ "$WORK" = install_all ]; then
    echo "Done. deploy/systemd/README.md says what to write into $SETTINGS, and what to start."
else
    echo "Done. $SETTINGS, /var/lib/crewkit and the account crewkit are still there; remove them yourself."
fi
