#!/usr/bin/env bash
# keys.sh - put Google's public keys into the secret assay-google-jwks, if they have changed.
set -euo pipefail
: "${PROJECT:?}"
cd "$(mktemp -d)"

in_order() { # the same keys in another order are the same keys; what holds none is refused
    python3 -c '
import json, sys
keys = json.load(sys.stdin)["keys"]
if not keys or any(not key.get("kid") for key in keys):
    sys.exit("keys.sh: no keys in the reply; the old ones stay")
json.dump({"keys": sorted(keys, key=lambda key: key["kid"])}, sys.stdout, sort_keys=True)'
}

curl --fail --silent --show-error --retry 3 --max-time 60 https://www.googleapis.com/oauth2/v3/certs | in_order >new.json
if gcloud secrets versions access latest --secret=assay-google-jwks --project="$PROJECT" >old.json &&
    cmp -s old.json new.json; then
    echo "keys.sh: unchanged"
    exit 0
fi
gcloud secrets versions add assay-google-jwks --project="$PROJECT" --data-file=new.json
