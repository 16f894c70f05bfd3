# shellcheck shell=bash
# debian.sh - make a clean Debian 12 in a folder, from where this machine's apt takes its own; sourced
# by script/chroot-proof, script/release and deploy/image/base. Needs root and mmdebstrap.

# Debian's own archives among this machine's sources, in one-line format.
debian_sources() {
    # shellcheck disable=SC2016 # the dollars are apt's
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian'
}

# What this machine's apt needs to get through: proxies, certificates, a slow clock.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' || true
}

# make_debian FOLDER PACKAGES [OPTION...]: PACKAGES are separated by commas, OPTIONs are mmdebstrap's.
make_debian() {
    local folder=$1 packages=$2 sources settings=$1.apt.conf
    shift 2
    sources=$(debian_sources)
    if [ -z "$sources" ]; then
        apt-get -q update # indextargets knows only archives whose lists have been fetched
        sources=$(debian_sources)
    fi
    [ -n "$sources" ] || { echo "no Debian archive in this machine's apt sources"; return 1; }
    apt_settings >"$settings"
    # mmdebstrap gives its hooks the new root as $1.
    # shellcheck disable=SC2016
    mmdebstrap --mode=root --variant=minbase --include="$packages" --aptopt="$settings" \
        --setup-hook='mkdir -p "$1/etc/apt"; cp -r /etc/apt/auth.conf.d "$1/etc/apt/" || true' \
        "$@" bookworm "$folder" - <<<"$sources" || return 1
    rm -f "$settings"
}

# A machine behind a proxy reaches registries by its own certificates and settings.
carry_network_settings() {
    local root=$1
    cp -L /etc/resolv.conf "$root/etc/resolv.conf" || return 1
    [ ! -r /etc/pip.conf ] || cp -L /etc/pip.conf "$root/etc/pip.conf" || return 1
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        mkdir -p "$root/usr/local/share/ca-certificates"
        cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" &&
            chroot "$root" update-ca-certificates || return 1
    fi
}

# within FOLDER DIRECTORY COMMAND...: in a clean environment but for what names the way to the network.
# What stands in the array `before`, such as unshare --net, is put before chroot.
within() {
    local root=$1 directory=$2 name carried=()
    shift 2
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY all_proxy \
        PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CERT PIP_DEFAULT_TIMEOUT CI; do
        [ -z "${!name:-}" ] || carried+=("$name=${!name}")
    done
    # shellcheck disable=SC2016 # for the shell inside
    "${before[@]}" chroot "$root" env -i HOME=/root LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${carried[@]}" \
        sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
}
before=()
