#!/usr/bin/env bash
# Prove that `make demo` and `make test` work on a bare Debian: a fresh root made by debootstrap with nothing but
# python3, python3-venv, git and make, no libGL, no libEGL, no screen. Needs root and Debian's debootstrap.
#
#   scripts/bare_debian.sh [ROOT] [TARGET...]      (default: /var/tmp/affectlens-bare, targets demo and test)
#
# The mirror is the one this machine's apt uses. pip's settings in the environment (PIP_*) are passed on; folders that they
# name are mounted at the same place. Data in ../shared is not mounted: tests that need it skip.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-/var/tmp/affectlens-bare}
shift || true
targets=${*:-demo test}
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | head -n 1)
mirror=${mirror:?no apt mirror is configured here}

if [ ! -e "$root/.made" ]; then
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >/dev/null
  cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
  cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  mkdir -p "$root/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
  chroot "$root" apt-get update -qq
  chroot "$root" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends python3 python3-venv git make >/dev/null
  touch "$root/.made"
fi

# Installing git brings Debian's own certificates; a mirror behind this machine's may need others.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true

mounts=()
release() { for m in "${mounts[@]}"; do umount -l "$m" 2>/dev/null || true; done; }
trap release EXIT
bind() { mkdir -p "$root$1"; mount --bind "$1" "$root$1"; mounts+=("$root$1"); }
bind /proc
bind /dev
settings=()
for key in index-url extra-index-url find-links cert; do
  value=$(pip config get "global.$key" 2>/dev/null || true)
  [ -n "$value" ] || continue
  settings+=("PIP_$(echo "$key" | tr 'a-z-' 'A-Z_')=$value")
  for folder in $(echo "$value" | tr ' ' '\n' | sed 's|^file://||' | grep '^/' | cut -d/ -f1-3 | sort -u); do
    if [ -d "$folder" ] && [ "$folder" != /etc/ssl ] && ! mountpoint -q "$root$folder"; then bind "$folder"; fi
  done
done
for name in https_proxy HTTPS_PROXY http_proxy no_proxy SSL_CERT_FILE; do
  [ -z "${!name:-}" ] || settings+=("$name=${!name}")
done

echo "system libraries for graphics in this root: $(chroot "$root" sh -c 'ls /usr/lib/*/libGL.so* /usr/lib/*/libEGL.so* 2>/dev/null | wc -l')"
rm -rf "$root/work-copy"
git clone -q "$repo" "$root/work-copy"
for target in $targets; do
  echo "== make $target"
  chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${settings[@]}" \
    make -C /work-copy "$target"
done
echo "bare Debian: $targets passed"
