"""What must hold of the pipelines' files, found by reading them: problems(root) yields one sentence a problem.

root is the tree or a copy with an error planted in it. What needs Node.js or gcloud is asked elsewhere (typed.mjs,
gcloud_parse.py), for many files at once.
"""

import json
import os
import re
import subprocess
import tempfile

import shell
import yaml

PINNED = re.compile(r"uses:\s+[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
WRITES = {"id-token", "attestations"}
CLOUD_BUILD_OWN = {"PROJECT_ID", "LOCATION", "SHORT_SHA", "TAG_NAME", "BUILD_ID"}
ENVIRONMENTS = {"staging", "prod", "release", "model-approval"}


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files(root, *folder):
    place = os.path.join(root, *folder)
    return sorted(os.path.join(place, name) for name in os.listdir(place) if name.endswith(".yaml"))


def load(path):
    return [d for d in yaml.safe_load_all(read(path)) if d is not None]


def problems(root, only=""):
    """only: a file whose problems alone are asked for, with those of names that files share."""
    documented = read(os.path.join(root, "docs", "pipelines.md"))
    for path in files(root, ".github", "workflows"):
        name = os.path.basename(path)
        if path.endswith(only):
            yield from (f"{name}: {problem}" for problem in workflow(root, read(path), load(path)[0], documented))
    for path in files(root, "deploy", "pipelines", "cloudbuild"):
        name = "cloudbuild/" + os.path.basename(path)
        if path.endswith(only):
            yield from (f"{name}: {problem}" for problem in cloud_build(root, load(path)[0], documented))
    if "/workflows/" not in only and "/cloudbuild/" not in only:
        yield from skaffold(root)
        yield from cloud_deploy(root)
        yield from names(root)
        yield from programs_are_clean(root, only)


# ---- GitHub's workflows ----


def workflow(root, text, document, documented):
    if document.get("permissions") != {}:
        yield "permissions must be {} at the top; each job takes what it needs"
    if "concurrency" not in document:
        yield "concurrency is missing"
    for line in text.splitlines():
        use = re.match(r"\s*(?:- )?(uses:.*)$", line)
        if use and not use[1].startswith("uses: ./") and not PINNED.match(use[1]):
            yield f"not pinned by a commit with its version behind it: {use[1]}"
    for variable in sorted(set(re.findall(r"vars\.(\w+)", text))):
        if f"`{variable}`" not in documented:
            yield f"vars.{variable} is not in docs/pipelines.md"
    if re.search(r"secrets\.(?!GITHUB_TOKEN)", text) or "credentials_json" in text:
        yield "a secret is named: workflows hold no key"
    for job, body in document["jobs"].items():
        yield from workflow_job(root, document["jobs"], job, body)


def workflow_job(root, jobs, job, body):
    where = f"job {job}"
    granted = body.get("permissions")
    if not isinstance(granted, dict):
        yield f"{where}: permissions must be said one by one, not {granted}"
        granted = {}
    for scope, level in granted.items():
        allowed = scope in WRITES or (scope == "contents" and body.get("environment") == "release")
        if level == "write" and not allowed:
            yield f"{where}: {scope} may not be written"
    if granted.get("id-token") == "write" and body.get("environment") not in ENVIRONMENTS:
        yield f"{where}: takes a token outside of an environment; Google trusts environments alone"
    for needed in [body.get("needs", [])] if isinstance(body.get("needs", []), str) else body.get("needs", []):
        if needed not in jobs:
            yield f"{where}: needs {needed}, which is no job"
    if "uses" in body:
        called = body["uses"]
        if not os.path.exists(os.path.join(root, called)):
            yield f"{where}: {called} does not exist"
        return
    if not isinstance(body.get("timeout-minutes"), int) or body["timeout-minutes"] > 360:
        yield f"{where}: timeout-minutes is missing or above 360"
    container = body.get("container")
    image = container.get("image") if isinstance(container, dict) else container
    if image and image != "${{ vars.DEBIAN_IMAGE }}" and not re.search(r"@sha256:[0-9a-f]{64}$", image):
        yield f"{where}: container {image} is not by digest"
    steps = body["steps"]
    for i, step in enumerate(steps):
        use = step.get("uses", "")
        if use.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
            yield f"{where}: checkout leaves its token behind (persist-credentials: false)"
        if use.startswith("google-github-actions/auth@") and granted.get("id-token") != "write":
            yield f"{where}: Google's token needs id-token: write"
        run = step.get("run")
        if run is None:
            continue
        if "${{" in run:
            yield f"{where}: an expression within run, which text from outside could break out of; pass it by env"
        for problem in shell.problems(root, run):
            yield f"{where}, step {i + 1}: {problem}"


# ---- Cloud Build ----


def cloud_build(root, document, documented):
    given = set(document.get("substitutions", {}))
    text = json.dumps(document)
    escaped = text.replace("$$", "")
    used = set(re.findall(r"\$\{?(_?[A-Za-z][A-Za-z0-9_]*)", escaped))
    for name in sorted(used):
        if name.startswith("_"):
            if name not in given and f"`{name}`" not in documented:
                yield f"substitution {name} has no value and is not in docs/pipelines.md"
        elif name not in CLOUD_BUILD_OWN:
            yield f"${name} would be taken for a substitution; a variable of the shell is $${name}"
    for name in sorted(given - used):
        yield f"substitution {name} is not used"
    if "timeout" not in document:
        yield "timeout of the build is missing"
    if document.get("options", {}).get("logging") != "CLOUD_LOGGING_ONLY":
        yield "options.logging must be CLOUD_LOGGING_ONLY: the builder's account has no bucket of its own for logs"
    ids = []
    for step in document["steps"]:
        where = f"step {step.get('id')}"
        for waited in step.get("waitFor", []):
            if waited != "-" and waited not in ids:
                yield f"{where}: waits for {waited}, which is no step before it"
        ids.append(step.get("id"))
        if "timeout" not in step:
            yield f"{where}: timeout is missing"
        if not re.fullmatch(r"\$\{_\w+\}|gcr\.io/cloud-builders/\w+|.*@sha256:[0-9a-f]{64}", step["name"]):
            yield f"{where}: builder {step['name']} is not by digest"
        args = step.get("args", [])
        if args and args[0].startswith("-"):
            for problem in shell.problems(root, args[1].replace("$$", "$")):
                yield f"{where}: {problem}"


# ---- Cloud Deploy and skaffold ----


def cloud_deploy(root):
    places = json.loads(read(os.path.join(root, "deploy", "pipelines", "places.json")))
    profiles = {p["name"] for p in load(os.path.join(root, "deploy", "skaffold.yaml"))[0]["profiles"]}
    for path in files(root, "deploy", "pipelines", "clouddeploy"):
        name, documents = "clouddeploy/" + os.path.basename(path), load(path)
        targets = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Target"}
        pipelines = {d["metadata"]["name"]: d for d in documents if d["kind"] == "DeliveryPipeline"}
        phases = set()
        for pipeline in pipelines.values():
            for stage in pipeline["serialPipeline"]["stages"]:
                if stage["targetId"] not in targets:
                    yield f"{name}: stage of {stage['targetId']}, which is no target here"
                strategy = stage.get("strategy", {})
                configs = strategy.get("canary", {}).get("customCanaryDeployment", {}).get("phaseConfigs", [])
                phases |= {c["phaseId"] for c in configs}
                for config in configs or [dict(stage, **strategy.get("standard", {}))]:
                    for profile in config.get("profiles", []):
                        if profile not in profiles:
                            yield f"{name}: profile {profile} is not in deploy/skaffold.yaml"
                    if config.get("verify") is not True:
                        yield f"{name}: {config.get('phaseId', stage['targetId'])} is not verified"
                shares = [c["percentage"] for c in configs]
                if shares and (shares != sorted(set(shares)) or shares[-1] != 100):
                    yield f"{name}: the canary's shares {shares} do not rise to 100"
        repaired = set()
        for document in documents:
            if document["kind"] != "Automation":
                continue
            for selected in document["selector"]["targets"]:
                if selected["id"] not in targets:
                    yield f"{name}: automation for {selected['id']}, which is no target here"
                for rule in document["rules"]:
                    repaired |= {selected["id"]} if "repairRolloutRule" in rule else set()
                    for phase in rule.get("advanceRolloutRule", {}).get("sourcePhases", []):
                        if phase not in phases:
                            yield f"{name}: automation of phase {phase}, which there is not"
            if document["metadata"]["name"].split("/")[0] not in pipelines:
                yield f"{name}: automation of another pipeline, {document['metadata']['name']}"
        for target, document in targets.items():
            project = places.get(target, {}).get("project")
            if project is None:
                yield f"{name}: places.json does not know {target}"
                continue
            if f"projects/{project}/" not in document["gke"]["cluster"]:
                yield f"{name}: {target} is not of the project {project}"
            for config in document["executionConfigs"]:
                if config["serviceAccount"] != f"assay-deployer@{project}.iam.gserviceaccount.com":
                    yield f"{name}: {target} is deployed as {config['serviceAccount']}"
            if target not in repaired:
                yield f"{name}: nothing rolls {target} back when its verification refuses"


# The part of skaffold's form that is used here; whatever else is an error. (No package carries skaffold's own schema.)
SKAFFOLD = {
    "apiVersion": str,
    "kind": str,
    "metadata": {"name": str},
    "deploy": {"kubectl": {}},
    "profiles": [
        {
            "name": str,
            "manifests": {"kustomize": {"paths": [str]}},
            "verify": [
                {
                    "name": str,
                    "timeout": int,
                    "container": {"name": str, "image": str, "command": [str], "args": [str]},
                }
            ],
        }
    ],
}


def shape(value, form, where):
    if isinstance(form, dict):
        if not isinstance(value, dict):
            yield f"{where} must be a mapping"
            return
        for key in value:
            if key not in form:
                yield f"{where}: unknown key {key}"
            else:
                yield from shape(value[key], form[key], f"{where}.{key}")
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield f"{where} must be a list"
            return
        for i, one in enumerate(value):
            yield from shape(one, form[0], f"{where}[{i}]")
    elif not isinstance(value, form) or isinstance(value, bool):
        yield f"{where} must be {form.__name__}, not {value!r}"


def skaffold(root):
    document = load(os.path.join(root, "deploy", "skaffold.yaml"))[0]
    wrong = [f"skaffold.yaml{p}" for p in shape(document, SKAFFOLD, "")]
    yield from wrong
    if wrong:
        return
    images, program = image_names(root), read(os.path.join(root, "deploy", "pipelines", "in-deploy"))
    for profile in document.get("profiles", []):
        for path in profile["manifests"]["kustomize"]["paths"]:
            if os.path.isdir(os.path.join(root, "deploy", "kubernetes")) and not os.path.exists(
                os.path.join(root, "deploy", path, "kustomization.yaml")
            ):
                yield f"skaffold.yaml: profile {profile['name']}: deploy/{path} has no kustomization.yaml"
        for verify in profile.get("verify", []):
            container = verify["container"]
            if container["image"] not in images:
                yield f"skaffold.yaml: {verify['name']} uses {container['image']}, which no release carries"
            if container["command"] != ["/opt/pipelines/in-deploy"] or f'"{container["args"][0]}"' not in program:
                yield f"skaffold.yaml: {verify['name']}: in-deploy does not know {container['args']}"


def image_names(root):
    text = read(os.path.join(root, "deploy", "pipelines", "delivery.py"))
    return set(re.findall(r'^    "([\w-]+)": ', text, re.M))


# ---- names that the other parts of deploy/ use, too ----


def names(root):
    kubernetes, places = os.path.join(root, "deploy", "kubernetes"), os.path.join(root, "deploy", "pipelines", "places.json")
    if os.path.isdir(os.path.join(kubernetes, "environments")):
        for place in json.loads(read(places)).values():
            environment = place["project"].removeprefix("assay-")
            text = read(os.path.join(kubernetes, "environments", environment, "environment.env"))
            said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
            if place["url"] != f"https://{said['HOST']}/ai" or place["project"] != said["PROJECT"]:
                yield f"places.json: {place['url']} of {place['project']} is not what deploy/kubernetes says: {said['HOST']}"
    if os.path.isdir(kubernetes):
        found = set()
        for folder, _, here in os.walk(kubernetes):
            for name in here:
                if name.endswith(".yaml"):
                    found |= set(re.findall(r"^\s*-?\s*image: ([\w-]+)$", read(os.path.join(folder, name)), re.M))
        for image in sorted(found - image_names(root)):
            yield f"delivery.py does not know the image {image} of deploy/kubernetes"
        for image in sorted(image_names(root) - found - {"assay-verify"}):
            yield f"delivery.py knows {image}, which no manifest uses"
    terraform = os.path.join(root, "deploy", "terraform")
    if os.path.isdir(terraform):
        text = ""
        for folder, _, here in os.walk(terraform):
            text += "".join(read(os.path.join(folder, name)) for name in here if name.endswith((".tf", ".tfvars")))
        for name in ("deployer",):
            if name not in text:
                yield f"deploy/terraform does not make the account assay-{name}"
        for ending in ("runs", "bundles", "transactions"):
            if not re.search(rf'\b(assay-)?{ending}"', text):
                yield f"deploy/terraform does not make the bucket of {ending}"


# ---- the programs themselves ----


def programs_are_clean(root, only):
    folder = os.path.join(root, "deploy", "pipelines")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isfile(path) or not os.access(path, os.X_OK) or not path.endswith(only):
            continue
        first = read(path).splitlines()[0]
        if "python" in first:
            try:
                compile(read(path), name, "exec")
            except SyntaxError as error:
                yield f"{name}: {error}"
        else:
            done = subprocess.run(["shellcheck", path], capture_output=True, text=True)
            if done.returncode != 0:
                yield f"{name}: shellcheck: {done.stdout.strip()}"


def shell_files(root, only):
    """Every piece of shell in the workflows and builds, as (where, text), for shellcheck."""
    for path in files(root, ".github", "workflows"):
        if not path.endswith(only):
            continue
        for job, body in load(path)[0]["jobs"].items():
            for i, step in enumerate(body.get("steps", [])):
                if "run" in step:
                    yield f"{os.path.basename(path)} job {job} step {i + 1}", step["run"]
    for path in files(root, "deploy", "pipelines", "cloudbuild"):
        if not path.endswith(only):
            continue
        for step in load(path)[0]["steps"]:
            if step.get("args") and step["args"][0].startswith("-"):
                # What Cloud Build puts in before the shell sees it is text, not a variable.
                text = re.sub(r"(?<!\$)\$\{?(_[A-Z_]+|[A-Z][A-Z_]+)\}?", "text", step["args"][1]).replace("$$", "$")
                yield f"cloudbuild/{os.path.basename(path)} step {step['id']}", text


def shellcheck(root, only=""):
    with tempfile.TemporaryDirectory() as folder:
        wheres = {}
        for i, (where, text) in enumerate(shell_files(root, only)):
            path = os.path.join(folder, f"{i}.sh")
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/usr/bin/env bash\n" + text + "\n")
            wheres[path] = where
        if not wheres:
            return
        # What Cloud Build puts in stands here as text, which is then compared with text.
        done = subprocess.run(
            ["shellcheck", "--format", "gcc", "--exclude", "SC2050,SC2157,SC2193,SC2078", *wheres], capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            path, rest = line.split(":", 1)
            yield f"{wheres[path]}:{rest}"
