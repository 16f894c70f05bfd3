"""Releases and what leads to them: deliver, rollback, await-rollout, take-over.

gcloud, cosign and what starts images are stood in for by programs that write down what they were asked.
"""

import contextlib
import json
import os

import shell
from harness import SERVE, claim, expect


RECORDER = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["ASKED"], "a") as f:
    f.write(json.dumps(sys.argv[1:]) + "\\n")
words = [w for w in sys.argv[1:] if not w.startswith("-")]
answers = json.load(open(os.environ["ANSWERS"]))
key = " ".join(words[:3])
for option in sys.argv[1:]:
    if option.startswith("--release="):
        key += " " + option.split("=")[1]
if key in answers and isinstance(answers[key], int):
    sys.exit(answers[key])
print(json.dumps(answers.get(key, [])))
"""


def image(name, digit, registry="europe-west9-docker.pkg.dev/assay-prod/assay"):
    return f"{registry}/{name}@sha256:{digit * 64}"


def recorded(w, name, answers):
    """(environment, what was asked) with stand-ins for gcloud and cosign before all else on the PATH."""
    folder = os.path.join(w, name)
    os.makedirs(folder)
    for program in ("gcloud", "cosign"):
        with open(f"{folder}/{program}", "w", encoding="utf-8") as f:
            f.write(RECORDER)
        os.chmod(f"{folder}/{program}", 0o755)
    with open(f"{folder}/answers", "w", encoding="utf-8") as f:
        json.dump(answers, f)
    environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"], "ASKED": f"{folder}/asked", "ANSWERS": f"{folder}/answers"}

    def asked():
        with contextlib.suppress(FileNotFoundError), open(f"{folder}/asked", encoding="utf-8") as f:
            return [json.loads(line) for line in f]
        return []

    return environment, asked


def history():
    """Three releases: the first good, the second with another bundle and good, the third with another program, refused."""
    names = ("assay-serve", "assay", "assay-verify", "assay-bundle", "vector", "node-exporter", "cloud-sdk")
    first = {**{n: image(n, "1") for n in names}, "change": "code", "golden": "golden/1.ndjson"}
    second = {**first, "assay-bundle": image("bundles/risk", "2"), "golden": "golden/2.ndjson", "change": "model"}
    third = {**second, "assay-serve": image("assay-serve", "3"), "change": "code"}
    of = lambda n, state: [{"targetId": "assay-prod", "state": state, "createTime": f"2026-11-0{n}T10:00:00Z"}]  # noqa: E731
    return {
        "deploy releases list": [{"name": f"projects/p/x/releases/r{i}", "annotations": a} for i, a in ((1, first), (2, second), (3, third))],
        "deploy rollouts list r1": of(1, "SUCCEEDED"),
        "deploy rollouts list r2": of(2, "SUCCEEDED"),
        "deploy rollouts list r3": of(3, "FAILED"),
    }


def going_back(w):
    where = ["--project", "assay-prod", "--region", "europe-west9", "--target", "assay-prod"]
    environment, asked = recorded(w, "history", history())
    said = expect("rollback: to the release before the one that failed", 0, "--release=r2", "rollback", *where, env=environment)
    claim(asked()[-1][:3] == ["deploy", "targets", "rollback"], "rollback: gcloud is asked to roll the target back", str(asked()[-1]))
    claim(not list(shell.gcloud(["gcloud", *asked()[-1]])), "rollback: gcloud has every option that it is asked with", said)
    before = len(asked())
    said = expect("rollback --only bundle --print: the former bundle and its golden answers beside the program that runs", 0,
                  "golden=golden/1.ndjson", "rollback", *where, "--only", "bundle", "--print", env=environment)  # fmt: skip
    claim(image("assay-serve", "3") in said and image("assay-bundle", "1") in said, "rollback --only bundle: the program stays", said)
    claim(not any("create" in words for words in asked()[before:]), "rollback --print: nothing is done")
    said = expect("rollback --only code: the former program beside the bundle that runs", 0, image("assay-serve", "1"), "rollback", *where, "--only", "code", env=environment)
    claim(image("bundles/risk", "2") in said, "rollback --only code: the bundle stays", said)
    single = {**history(), "deploy rollouts list r1": [], "deploy rollouts list r2": []}
    environment, _ = recorded(w, "single", single)
    expect("rollback: there is nothing to go back to", 1, "nothing else succeeded", "rollback", *where, env=environment)

    environment, asked = recorded(w, "deliver", history())
    new = image("assay-serve", "4")
    said = expect("deliver release: new code beside the bundle that last ran well", 0, f"assay-serve={new}", "deliver", "release", *where, "--change", "code",
                  "--name", "code-7", "--image", f"assay-serve={new}", env=environment)  # fmt: skip
    create = asked()[-1]
    claim(create[:4] == ["deploy", "releases", "create", "code-7"] and any(image("bundles/risk", "2") in word for word in create), "deliver release: Cloud Deploy is asked for it", str(create))
    claim(not list(shell.gcloud(["gcloud", *create])), "deliver release: gcloud has every option that it is asked with", str(create))
    expect("deliver release: an image by its tag", 1, "is not by digest", "deliver", "release", *where, "--change", "code", "--name", "x", "--image", "assay-serve=a/b:1", env=environment)
    expect("deliver release: a bundle without golden answers", 2, "a new bundle needs --golden", "deliver", "release", *where, "--change", "model", "--name", "x",
           "--image", f"assay-bundle={new}", env=environment)  # fmt: skip
    environment, _ = recorded(w, "empty", {"deploy releases list": []})
    expect("deliver release: the first one names all images", 1, "no assay is given", "deliver", "release", *where, "--change", "code", "--name", "x",
           "--image", f"assay-serve={new}", env=environment)  # fmt: skip

    wait = [*where, "--pause", "0.1", "--minutes", "0.01"]
    environment, _ = recorded(w, "wait", history())
    expect("await-rollout: it runs", 0, "SUCCEEDED", "await-rollout", *wait, "--release", "r2", env=environment)
    expect("await-rollout: it failed", 1, "did not come to assay-prod", "await-rollout", *wait, "--release", "r3", env=environment)
    expect("await-rollout: it never begins", 1, "is not begun", "await-rollout", *wait, "--release", "r9", env=environment)
    environment, _ = recorded(w, "refused", {"deploy releases list": 1})
    expect("rollback: gcloud fails", 1, "ended with 1", "rollback", *where, env=environment)

    take = ["--registry", "europe-west9-docker.pkg.dev/assay-prod/assay", "--identity", "who", new]
    environment, asked = recorded(w, "signed", {})
    expect("take-over: what is signed is copied by its digest", 0, new, "take-over", *take, env=environment)
    claim([words[0] for words in asked()] == ["verify", "copy"], "take-over: the signature is asked for before anything is copied", str(asked()))
    environment, asked = recorded(w, "unsigned", {"verify who https://token.actions.githubusercontent.com": 1})
    expect("take-over: what is not signed", 1, "is not signed by who", "take-over", *take, env=environment)
    claim(not any(words[0] == "copy" for words in asked()), "take-over: nothing is copied then", str(asked()))


# A stand-in for podman and docker: a volume is a file that names its bundle, and an image of the service is the program that was built here.
ENGINE = """#!/usr/bin/env python3
import json, os, sys
words = sys.argv[1:]
volumes = os.environ["VOLUMES"]
with open(volumes + "/asked", "a") as f:
    f.write(json.dumps([os.path.basename(sys.argv[0]), *words]) + "\\n")
if words[0] == "volume":
    os.remove(os.path.join(volumes, words[-1]))
    sys.exit(0)
volume, place = words[words.index("--volume") + 1].split(":", 1)
image = next(word for word in words if "@sha256:" in word)
rest = words[words.index(image) + 1:]
bundle = json.load(open(os.environ["IMAGES"])).get(image.split("@")[1][-1])
if rest[:1] == ["/bin/busybox"]:
    open(os.path.join(volumes, volume), "w").write(bundle)
    sys.exit(0)
bundle = open(os.path.join(volumes, volume)).read()
os.execv(os.environ["SERVE"], [os.environ["SERVE"], *[bundle if word == place.split(":")[0] else word for word in rest]])
"""


def shadowed(w, golden):
    """deliver shadow from what runs, by its images, to a verdict on real answers."""
    where = ["--project", "assay-prod", "--region", "europe-west9", "--target", "assay-prod"]
    for engine, network in (("podman", "host"), ("docker", "container:")):
        environment, _ = recorded(w, f"shadow-{engine}", history())
        tools = os.path.dirname(environment["ASKED"])
        volumes = f"{w}/volumes-{engine}"
        os.makedirs(volumes)
        with open(f"{tools}/{engine}", "w", encoding="utf-8") as f:
            f.write(ENGINE)
        os.chmod(f"{tools}/{engine}", 0o755)
        os.rename(f"{tools}/gcloud", f"{tools}/recorder")
        with open(f"{tools}/gcloud", "w", encoding="utf-8") as f:  # what it copies are the golden answers
            f.write(f'#!/bin/sh\n[ "$1 $2" != "storage cp" ] || exec cp {golden} "$4"\nexec {tools}/recorder "$@"\n')
        os.chmod(f"{tools}/gcloud", 0o755)
        with open(f"{w}/images-{engine}.json", "w", encoding="utf-8") as f:
            json.dump({"2": f"{w}/good/bundle", "5": f"{w}/shuffled/bundle"}, f)
        environment.update({"VOLUMES": volumes, "IMAGES": f"{w}/images-{engine}.json", "SERVE": SERVE})
        ask = ["deliver", "shadow", "--engine", engine, *where]
        expect(f"deliver shadow by {engine}: the same answers of new code pass", 0, "passed", *ask, "--change", "code", "--image", f"assay-serve={image('assay-serve', '4')}",
               env=environment)  # fmt: skip
        with open(f"{volumes}/asked", encoding="utf-8") as f:
            asked = [json.loads(line) for line in f]
        serves = [words for words in asked if "serve" in words]
        claim(len(serves) == 2 and all(words[words.index("--network") + 1].startswith(network) and "--read-only" in words for words in serves),
              f"deliver shadow by {engine}: both services are confined, and in a network that this machine reaches", str(asked))
        claim(os.listdir(volumes) == ["asked"], f"deliver shadow by {engine}: no volume is left behind", str(os.listdir(volumes)))
    expect("deliver shadow: another bundle is no change of code", 1, "REFUSED", *ask, "--change", "code", "--image", f"assay-bundle={image('bundles/risk', '5')}",
           "--golden", "golden/5.ndjson", env=environment)  # fmt: skip
