#!/bin/sh
# Builds the image of the Dockerfile on a machine without a Docker engine, and without any registry:
# buildah builds it, and the base image is made from Debian packages by mmdebstrap. Needs root.
#
#   docker/build-without-docker.sh [DIRECTORY]     default: build/image; keeps everything there
#
# At its end the image is in DIRECTORY/store as localhost/fusegate:dev and in DIRECTORY/fusegate.tar,
# which `docker load` takes. It is then run without capabilities on a read-only file system, and its health asked.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  echo "build-without-docker: run this as root; buildah needs to change users" >&2
  exit 1
fi
.ci/packages install image

work=${1:-build/image}
mkdir -p "$work"
work=$(cd "$work" && pwd)
base=localhost/debian:bookworm

# vfs, chroot, runc and cgroupfs work inside another container too, where overlayfs, namespaces and
# raising limits are often refused.
cat >"$work/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$work/store"
runroot = "$work/run"
CONF
cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
CONF
export CONTAINERS_CONF="$work/containers.conf" CONTAINERS_STORAGE_CONF="$work/storage.conf"
export BUILDAH_ISOLATION=chroot

if ! podman image exists "$base"; then
  mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/base.tar"
  podman import -q "$work/base.tar" "$base"
  rm -f "$work/base.tar"
fi
revision=$(git -c safe.directory="$PWD" describe --always --dirty --abbrev=12 --tags 2>/dev/null || echo unknown)
buildah bud -q --network host --format docker --build-arg BASE="$base" --build-arg REVISION="$revision" \
  -t localhost/fusegate:dev .
rm -f "$work/fusegate.tar"
podman save -q -o "$work/fusegate.tar" localhost/fusegate:dev

echo "image: $(podman image inspect -f '{{.Size}}' localhost/fusegate:dev) bytes"

# Without a network of its own it has loopback only, which is all it needs here. podman wants systemd
# for health checks of its own, so it is asked by hand.
small="--network none --read-only --cap-drop ALL --security-opt no-new-privileges --no-healthcheck --memory 128m"
podman run --rm $small localhost/fusegate:dev version
id=$(podman run -d $small localhost/fusegate:dev run --listen 127.0.0.1:8080 --upstream http://127.0.0.1:1)
trap 'podman rm -f "$id" >/dev/null' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
  health=$(podman exec "$id" /usr/bin/fusegate healthcheck 2>&1) && break
  sleep 1
done
echo "health: $health"
podman stop -t 30 "$id" >/dev/null
code=$(podman inspect -f '{{.State.ExitCode}}' "$id")
echo "exit code after SIGTERM: $code"
[ "$health" = ready ] && [ "$code" = 0 ]
