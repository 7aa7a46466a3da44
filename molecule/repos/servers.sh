#!/bin/bash
# Repositories app and lib below /srv/git, reached as git@127.0.0.1 by the key /root/deploy, as https://localhost:8443,
# and as local paths. Keys, certificates and large files are made here, for this host alone.
set -euo pipefail

export GIT_CONFIG_GLOBAL=/root/gitconfig
git config --global user.name tests
git config --global user.email tests@localhost
git config --global init.defaultBranch main
git config --global protocol.file.allow always
git config --global safe.directory '*'
git lfs install --skip-repo

work=$(mktemp -d)
cd "$work"
git init -q --bare /srv/git/lib.git
git init -q --bare /srv/git/app.git
git clone -q /srv/git/lib.git lib 2>/dev/null
(cd lib && echo library >lib.txt && git add -A && git commit -qm lib && git push -q origin main)

git clone -q file:///srv/git/app.git app 2>/dev/null
cd app
git lfs track -- '*.bin' >/dev/null
mkdir -p src docs
head -c 2000000 /dev/urandom >src/weights.bin
sha256sum src/weights.bin | cut -d' ' -f1 >/root/weights.sha256
echo one >src/version
echo text >docs/text
git submodule --quiet add ../lib.git lib
git add -A && git commit -qm one && git tag v1
echo two >src/version
git commit -qam two && git tag -a v2 -m two
git branch dev v1
git push -q origin main dev --tags
git rev-parse v1 >/root/commit

ssh-keygen -q -t ed25519 -N '' -C deploy -f /root/deploy
ssh-keygen -q -t ed25519 -N '' -C other -f /root/other
install -d -o git -g git -m 0700 /srv/git/.ssh
install -o git -g git -m 0600 /root/deploy.pub /srv/git/.ssh/authorized_keys
chown -R git:git /srv/git
chmod 0755 /srv/git

for repository in app lib; do git -C /srv/git/$repository.git update-server-info; done
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout /root/tls.key -out /usr/local/share/ca-certificates/tests.crt 2>/dev/null
update-ca-certificates >/dev/null
cat >/root/serve.py <<'PYTHON'
import functools, http.server, ssl
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/srv/git")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/usr/local/share/ca-certificates/tests.crt", "/root/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PYTHON
systemd-run --quiet --unit=git-over-https python3 /root/serve.py

# An empty skeleton, as the codehub role leaves it.
install -d -o codehub -g codehub -m 2775 /codehub /codehub/apps /codehub/apps/www
