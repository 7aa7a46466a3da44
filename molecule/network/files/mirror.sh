#!/bin/sh
# Below /srv/mirror: a signed archive of one package for this host's release, its key, another key, and an authority with
# a certificate for 127.0.0.1.
set -eu
mkdir -p /srv/mirror/www/debian && cd /srv/mirror
codename=$(. /etc/os-release && echo "$VERSION_CODENAME") arch=$(dpkg --print-architecture)
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj "/CN=A site's authority"
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=mirror
printf 'subjectAltName=IP:127.0.0.1\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.pem
cp ca.pem other.pem # another authority, that of nobody
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout other.key -out other.pem -subj "/CN=Another authority"
export GNUPGHOME=/srv/mirror/gnupg
mkdir -m 700 gnupg
for name in first other; do
    gpg --batch --quiet --passphrase '' --quick-gen-key "$name@localhost" rsa2048 sign
    gpg --armor --export "$name@localhost" >"$name.pub"
    gpg --with-colons --list-keys "$name@localhost" | awk -F: '/^fpr/ {print $10; exit}' | tr -d '\n' >"$name.fingerprint"
done
dists=www/debian/dists/$codename
mkdir -p "$dists/main/binary-$arch"
printf 'Package: only-on-the-mirror\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody\nFilename: pool/x.deb\nSize: 1\nSHA256: %064d\nDescription: stand-in\n' 0 \
    >"$dists/main/binary-$arch/Packages"
cd "$dists"
{
    printf 'Origin: mirror\nSuite: %s\nCodename: %s\nDate: %s\nArchitectures: %s\nComponents: main\nSHA256:\n' \
        "$codename" "$codename" "$(date -Ru | sed 's/+0000/UTC/')" "$arch"
    printf ' %s %s main/binary-%s/Packages\n' "$(sha256sum <"main/binary-$arch/Packages" | cut -d' ' -f1)" \
        "$(stat -c %s "main/binary-$arch/Packages")" "$arch"
} >Release
gpg --batch --quiet --local-user first@localhost --clearsign --output InRelease Release
