#!/bin/sh
# Unpacks the build of Python that follows this script in the same file, and makes it the private Python of this host:
#   private_python.sh NAME SHA256 SIZE     (SIZE: bytes of the archive at the end of this file)
# Needs neither Python nor a network. What it has to say goes to standard output; exit code 1 where it refuses or fails,
# with the host as it was. Killed, it leaves at most a hidden directory, which the next run removes.
set -u
umask 022
name=$1 sha256=$2 size=$3
top=/opt/aimlsetup
new=$top/.python-$name.new
alone=

refuse() {
  [ -z "$alone" ] || rm -rf "$new" "$new.log"
  rmdir "$top" 2>/dev/null
  printf '%s\n' "$@"
  exit 1
}

archive() { tail -c "$size" "$0"; }

runs() { "$1/bin/python3" -I -c 'import ctypes, json, ssl, subprocess, venv, zlib' >"$new.log" 2>&1; }

for tool in awk flock getconf gzip ln mv sha256sum tail tar; do
  command -v "$tool" >/dev/null || refuse "$tool is not on this host" "hint: install it, or a Python, by hand; then apply again"
done
[ ! -e "$top/python" ] || [ -L "$top/python" ] || refuse "$top/python is in the way: expected a link of ours or nothing" \
  "hint: move it away, then apply again"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || refuse "this host's C library is not glibc, which the build needs" \
  "hint: install a Python by hand and name it with 'python:' of the host in the profile"
case $glibc in
  "glibc 2."[0-9] | "glibc 2."1[0-6]) refuse "this host has $glibc; expected: glibc 2.17 or newer" ;;
esac
found=$(archive | sha256sum | cut -d ' ' -f 1)
[ "$found" = "$sha256" ] || refuse "the archive did not arrive as it was sent" "expected: sha256 $sha256" \
  "found: sha256 $found"

mkdir -p "$top" || refuse "$top can't be made"
exec 9<"$top"
flock -w 600 9 || refuse "another run has been unpacking a Python in $top for 10 minutes"
alone=yes
rm -rf "$top"/.python-*.new "$top"/.python-*.log

if ! runs "$top/python-$name"; then
  needed=$((size / 1024 * 5))
  free=$(df -Pk "$top" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$needed" ] || refuse "$top has $((free / 1024)) MB free; expected: $((needed / 1024)) MB for a private Python" \
    "hint: free space there, then apply again"
  mkdir "$new" || refuse "$new can't be made"
  said=$(archive | tar -xz -C "$new" --no-same-owner --strip-components=1 2>&1) ||
    refuse "the archive could not be unpacked in $top:" "$said"
  if ! runs "$new"; then
    said=$(tail -n 3 "$new.log")
    refuse "the private Python does not run in $top:" "$said" \
      "hint: $top must not be mounted noexec, and the build must be for $(uname -m)"
  fi
  sync -f "$new"
  rm -rf "$top/python-$name"
  mv -T "$new" "$top/python-$name" || refuse "$top/python-$name can't be made"
fi
rm -f "$new.log"

ln -sfn "python-$name" "$top/.python.new" && mv -T "$top/.python.new" "$top/python" || refuse "$top/python can't be made"
for old in "$top"/python-*; do
  [ "$old" = "$top/python-$name" ] || rm -rf "$old"
done
exit 0
