# Shared by the scripts of this folder: installs what a bare Debian machine lacks, as root or by `sudo`.

# `need COMMAND PACKAGE...` installs Debian's packages where COMMAND is missing.
need() {
    command -v "$1" >/dev/null || packages "${@:2}"
}

packages() {
    echo "installing $*" >&2
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get -qq update
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
}

# A linker with what it links, and the compiler that `rust-toolchain.toml` pins.
need_rust() {
    # `gcc` alone has no `crt1.o`; without certificates nothing can be downloaded.
    case "$(cc -print-file-name=crt1.o 2>/dev/null || true)" in
        /*) ;;
        *) packages gcc libc6-dev ca-certificates ;;
    esac
    command -v cargo >/dev/null || PATH="$PATH:$HOME/.cargo/bin"
    command -v cargo >/dev/null || rustup_itself
    local pinned found
    pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    found=$(rustc --version) || found="none"
    case "$found" in
        "rustc $pinned "*) ;;
        *)
            echo "rust-toolchain.toml pins Rust $pinned, and the compiler here is: $found" >&2
            echo "rustup reads that file; with it, run: rustup toolchain install $pinned" >&2
            exit 1
            ;;
    esac
}

# Debian 13 and later have a package; elsewhere it comes as https://rustup.rs says.
rustup_itself() {
    packages ca-certificates curl
    if apt-cache show rustup >/dev/null 2>&1; then
        packages rustup
    else
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --default-toolchain none
    fi
}
