"""What Cloud Deploy knows of releases. A release carries its images, by digest, and `change` and `golden` as annotations."""

import json
import re
import subprocess
import sys

# An image of the manifests, and the half of a release that it belongs to; mirrors of others' programs are neither.
IMAGES = {
    "assay-serve": "code",
    "assay": "code",
    "assay-verify": "code",
    "assay-bundle": "bundle",
    "vector": None,
    "node-exporter": None,
    "cloud-sdk": None,
}
HALVES = {half: [i for i, of in IMAGES.items() if of == half] + extra for half, extra in (("code", []), ("bundle", ["golden"]))}
REFERENCE = re.compile(r"[a-z0-9.\-]+(:[0-9]+)?(/[a-z0-9._\-]+)+@sha256:[0-9a-f]{64}")


def place(given):
    return [f"--delivery-pipeline={given.pipeline}", f"--region={given.region}", f"--project={given.project}"]


def options(parser):
    parser.add_argument("--project", required=True, help="such as assay-prod")
    parser.add_argument("--region", required=True, help="such as europe-west9")
    parser.add_argument("--target", required=True, help="assay-staging or assay-prod")
    parser.add_argument("--pipeline", default="assay", help="delivery pipeline (default assay)")


def asked(*command):
    """What gcloud answers, or the end of the program with its words."""
    command = ["gcloud", *command, "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def rollouts(given):
    """([(release, state)] on the target, newest first, and the annotations of every release)."""
    annotations, found = {}, []
    for release in asked("deploy", "releases", "list", *place(given)):
        name = release["name"].rsplit("/", 1)[1]
        annotations[name] = release.get("annotations", {})
        for rollout in asked("deploy", "rollouts", "list", f"--release={name}", *place(given)):
            if rollout["targetId"] == given.target:
                found.append((rollout["createTime"], name, rollout["state"]))
    return [(name, state) for _, name, state in sorted(found, reverse=True)], annotations


def create(given, name, annotations):
    """The command that makes a release of images and annotations; the end of the program when it would be incomplete."""
    for image in IMAGES:
        if image not in annotations:
            sys.exit(f"no {image} is given, and no earlier release on {given.target} has one: --image {image}=REGISTRY/...@sha256:...")
        if not REFERENCE.fullmatch(annotations[image]):
            sys.exit(f"{image}={annotations[image]} is not by digest: REGISTRY/NAME@sha256:...")
    for key in ("change", "golden"):
        if not annotations.get(key):
            sys.exit(f"a release needs the annotation {key}")
    return [
        *("gcloud", "deploy", "releases", "create", name, "--source=deploy", *place(given)),
        f"--gcs-source-staging-dir=gs://{given.project}-assay-sources/releases",
        "--images=" + ",".join(f"{image}={annotations[image]}" for image in IMAGES),
        "--annotations=" + ",".join(f"{key}={annotations[key]}" for key in [*IMAGES, "change", "golden"]),
        "--quiet",
    ]
