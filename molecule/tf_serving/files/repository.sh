#!/bin/sh
# A signed apt repository in /srv/tensorflow-serving with a package whose model server is $1.
set -eu
place=/srv/tensorflow-serving
[ ! -e $place/InRelease ] || exit 0
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends apt-utils gnupg
mkdir -p $place /root/tree/DEBIAN /root/tree/usr/bin
export GNUPGHOME=/root/signing
mkdir -p -m 700 $GNUPGHOME
gpg --batch --passphrase '' --quick-gen-key 'stand-in <stand-in@localhost>' ed25519 sign 0
cp "$1" /root/tree/usr/bin/tensorflow_model_server
for version in 2.18.0 2.19.1; do
    printf '%s\n' 'Package: tensorflow-model-server' "Version: $version" 'Architecture: amd64' 'Depends: python3' \
        'Maintainer: stand-in <stand-in@localhost>' 'Description: stand-in' >/root/tree/DEBIAN/control
    dpkg-deb --root-owner-group -Znone -b /root/tree "$place/tensorflow-model-server_${version}_amd64.deb"
done
cd $place
apt-ftparchive packages . >Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin=stand-in release . >/root/Release
gpg --batch --clearsign -o InRelease.new /root/Release
gpg --armor --export stand-in@localhost >key.pub
gpg --with-colons --list-keys stand-in@localhost | sed -n 's/^fpr:*\([0-9A-F]*\):/\1/p' >fingerprint
gpgconf --kill gpg-agent
mv InRelease.new InRelease
