#!/usr/bin/env bash
# apptainer.sh PREFIX: Apptainer for Debian 12, which has no package of it.
#
# Takes the package of Debian sid and the libraries that it is linked to, checks them by apt's signatures, and
# puts them below PREFIX with a loader of their own; the package database of this system does not notice.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 PREFIX" >&2; exit 2; }
mkdir -p "$1"
prefix=$(readlink -f "$1")
[ -x "$prefix/bin/apptainer" ] && exec "$prefix/bin/apptainer" --version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } |
  awk '/^URIs:/{print $2; exit} /^deb /{for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}')
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,none,deb}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] ${mirror:?no mirror in the sources of apt} sid main" >"$work/sources.list"
options=(-q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/none"
  -o Dir::State="$work/state" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null
  -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none)
apt-get "${options[@]}" update >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; exit 1; }
cd "$work/deb"
apt-get "${options[@]}" download apptainer libc6 libseccomp2 libsqlite3-0 >>"$work/log" 2>&1
for package in *.deb; do dpkg-deb -x "$package" "${package%%_*}"; done

cp -a apptainer/usr/. "$prefix/"
cp -a apptainer/etc "$prefix/etc"
mkdir -p "$prefix/glibc" "$prefix/lib/var/lib/apptainer/mnt/session" "$prefix/var/lib/apptainer/mnt/session"
for library in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libresolv.so.2 libnss_files.so.2 libnss_dns.so.2 \
  libpthread.so.0 libdl.so.2; do
  cp -L "libc6/usr/lib/x86_64-linux-gnu/$library" "$prefix/glibc/"
done
cp -L lib{seccomp2,sqlite3-0}/usr/lib/x86_64-linux-gnu/*.so.? "$prefix/glibc/"
for program in bin/apptainer lib/x86_64-linux-gnu/apptainer/bin/starter; do
  patchelf --force-rpath --set-interpreter "$prefix/glibc/ld-linux-x86-64.so.2" --set-rpath "$prefix/glibc" \
    "$prefix/$program"
done
ln -sfn ../etc "$prefix/lib/etc"
"$prefix/bin/apptainer" --version
