# Shared by the scripts of this folder: `need COMMAND PACKAGE` has Debian's PACKAGE installed where COMMAND is missing.

need() {
    command -v "$1" >/dev/null && return
    echo "installing $2" >&2
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get -qq update
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$2" >/dev/null
}
