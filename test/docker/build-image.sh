#!/bin/bash
# build-image.sh FOLDER TAG: an image of PostgreSQL without a registry, for tests on machines that cannot pull one. From an npm
# package @embedded-postgres/linux-* (FOLDER), with psql and a shell of this machine (Debian, with postgresql-client).
set -euo pipefail
native=$1/native tag=$2 here=$(cd "$(dirname "$0")" && pwd)
major=$("$native/bin/postgres" --version | grep -oE '[0-9]+' | head -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{etc,tmp,run,proc,sys,dev,var/lib/postgresql,usr/bin,usr/lib,usr/lib64,usr/lib/locale}
chmod 755 "$root" && chmod 1777 "$root/tmp"
for folder in bin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
ln -s /run "$root/var/run"

# Programs, then the libraries that they name.
clients=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
programs=()
for name in bash setpriv cat chmod chown cp du echo id mkdir rm sync; do programs+=("$(type -P $name)"); done
cp -aL "${programs[@]}" "$root/usr/bin/" && ln -s bash "$root/usr/bin/sh"
server=$root/usr/lib/postgresql/$major
mkdir -p "$server" && cp -a "$native"/{bin,lib,share} "$server/" && cp -L "$clients/psql" "$server/bin/"
ldd "${programs[@]}" "$native"/bin/* "$clients/psql" | awk '/=> \//{print $3} /^\t\/lib/{print $1}' | sort -u |
  grep -v -F "$native" | while read -r library; do
  folder=$root/$(readlink -f "$(dirname "$library")")
  mkdir -p "$folder" && cp -L "$library" "$folder/"
done
cp -a /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"

printf 'root:x:0:0::/root:/bin/bash\npostgres:x:999:999::/var/lib/postgresql:/bin/bash\n' >"$root/etc/passwd"
printf 'root:x:0:\npostgres:x:999:\n' >"$root/etc/group"
install -m 755 "$here/docker-entrypoint.sh" "$root/usr/bin/docker-entrypoint.sh"
tar -C "$root" --numeric-owner --owner=0 --group=0 -cf "$work/root.tar" .
cat >"$work/Dockerfile" <<D
FROM scratch
ADD root.tar /
ENV PATH=/usr/bin:/usr/lib/postgresql/$major/bin LANG=C.UTF-8 PGDATA=/var/lib/postgresql/$major/docker
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
D
rm -rf "$root"
DOCKER_BUILDKIT=0 docker build -q -t "$tag" "$work"
