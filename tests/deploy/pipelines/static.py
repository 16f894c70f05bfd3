"""The pipelines' files hold what lint.py, Google's schemas, actionlint and gcloud ask, and every planted error is caught."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lint
import shell
import yaml

TREE = shell.TREE
HERE = shell.HERE


def listed(root, label):
    kinds = ((".github/workflows", "workflow"), ("deploy/pipelines/cloudbuild", "build"), ("deploy/pipelines/clouddeploy", "deploy"))
    for folder, kind in kinds:
        for path in lint.files(root, *folder.split("/")):
            yield {"label": label, "kind": kind, "path": path}


class Plain(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def prepared(entries):
    for entry in entries:
        documents = lint.load(entry["path"])
        if entry["kind"] == "workflow":
            document = {"on" if key is True else key: value for key, value in documents[0].items()}
            entry["text"] = yaml.dump(document, Dumper=Plain, sort_keys=False, width=10000)
        entry["documents"] = [] if entry["kind"] == "workflow" else documents
        yield entry


def asked(entries, folder):
    """{label: [problem]} of what is asked for all files at once."""
    path = os.path.join(folder, "list.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(list(prepared(entries)), f)
    answers = []
    done = subprocess.run(["node", os.path.join(HERE, "typed.mjs"), path], capture_output=True, text=True)
    if done.returncode != 0:
        print(f"FAILED typed.mjs ended with {done.returncode}: {done.stderr.strip()[:500]}")
        sys.exit(1)
    answers += json.loads(done.stdout)
    sdk = shell.gcloud_root()
    if sdk:
        python = os.path.join(sdk, "platform", "bundledpythonunix", "bin", "python3")
        environment = {**os.environ, "CLOUDSDK_CONFIG": os.path.join(folder, "gcloud")}
        command = [python if os.path.exists(python) else "python3", os.path.join(HERE, "gcloud_parse.py"), sdk, path]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            print(f"FAILED gcloud_parse.py ended with {done.returncode}: {done.stderr.strip()[-500:]}")
            sys.exit(1)
        answers += json.loads(done.stdout)
    by_label = {}
    for answer in answers:
        by_label.setdefault(answer["label"], []).append(answer["problem"])
    return by_label


# What is planted: file, what is replaced (a regular expression, once), by what, and words of the sentence that tells.
W, B, D = ".github/workflows/", "deploy/pipelines/cloudbuild/", "deploy/pipelines/clouddeploy/"
PLANTED = [
    ("a job needs one that there is not", W + "ci.yaml", r"needs: build", "needs: built", "needs built"),
    ("an action by its tag", W + "ci.yaml", r"upload-artifact@[0-9a-f]{40}", "upload-artifact@v4", "not pinned"),
    ("a pin without its version", W + "ci.yaml", r" # v4\.6\.2", "", "not pinned"),
    ("write-all", W + "ci.yaml", r"permissions: \{\}", "permissions: write-all", "permissions must be {}"),
    ("a job that may write the repository", W + "ci.yaml", r"contents: read", "contents: write", "contents may not be written"),
    ("no timeout", W + "ci.yaml", r"    timeout-minutes: 30\n", "", "timeout-minutes is missing"),
    ("no concurrency", W + "deliver.yaml", r"concurrency:\n  group: deliver\n.*\n", "", "concurrency is missing"),
    ("a script that is not there", W + "ci.yaml", r"run: script/check", "run: script/cheque", "script/cheque does not exist"),
    ("an option that a script has not", W + "ci.yaml", r"script/fuzz --seconds", "script/fuzz --second", "no option --second"),
    ("an option that a gate has not", B + "model.yaml", r"--exit-code", "--exitcode", "no option --exitcode"),
    ("an option that assay has not", B + "model.yaml", r"--score-customers", "--customers-to-score", "assay run has no option"),
    ("a command that assay has not", B + "model.yaml", r"assay synth", "assay synthesise", "assay has no command synthesise"),
    ("a key of an account", W + "deliver.yaml", r"token_format: access_token", "credentials_json: ${{ secrets.KEY }}", "workflows hold no key"),
    ("a token outside of an environment", W + "deliver.yaml", r"    environment: staging\n", "", "takes a token outside"),
    ("a variable that nobody explains", W + "deliver.yaml", r"vars\.PROJECT", "vars.PROJEKT", "vars.PROJEKT"),
    ("text from outside within a script", W + "model.yaml", r"\[\[ \$NAME", "[[ ${{ inputs.name }}", "an expression within run"),
    ("an input that there is not", W + "model.yaml", r"inputs\.as_of", "inputs.as_off", "as_off"),
    ("an output that no job has", W + "deliver.yaml", r"needs\.publish\.outputs\.serve", "needs.publish.outputs.server", "server"),
    ("a key that workflows have not", W + "nightly.yaml", r"timeout-minutes", "timeout-minute", "timeout-minute"),
    ("an event that there is not", W + "release.yaml", r"  push:", "  pushed:", "pushed"),
    ("a container by its tag", W + "nightly.yaml", r"image: \$\{\{ vars\.DEBIAN_IMAGE \}\}", "image: debian:bookworm", "not by digest"),
    ("a token left behind", W + "ci.yaml", r"persist-credentials: false", "fetch-depth: 1", "leaves its token"),
    ("a workflow called that is not there", W + "deliver.yaml", r"uses: \./\.github/workflows/ci\.yaml", "uses: ./.github/workflows/tests.yaml", "does not exist"),
    ("shell that is not quoted", W + "ci.yaml", r'script/build "\$PRESET"', "script/build $PRESET", "SC2086"),
    ("a key that Cloud Build has not", B + "code.yaml", r"    waitFor: \[lint\]", "    waitsFor: [lint]", "waitsFor"),
    ("a step that waits for none", B + "code.yaml", r"waitFor: \[test\]", "waitFor: [tests]", "waits for tests"),
    ("a step without an end", B + "model.yaml", r"    timeout: 1800s\n", "", "timeout is missing"),
    ("a builder by its tag", B + "model.yaml", r"name: \$\{_COSIGN\}", "name: cosign:latest", "not by digest"),
    ("a variable taken for a substitution", B + "model.yaml", r"\$\$status", "$status", "$status would be taken"),
    ("a substitution without a value", B + "model.yaml", r"\$\{_SEED\}", "${_SEEDS}", "_SEEDS has no value"),
    ("a value of the wrong type", B + "nightly.yaml", r"tags: \[assay, nightly\]", "tags: nightly", "schema"),
    ("logs where nobody may write", B + "nightly.yaml", r"CLOUD_LOGGING_ONLY", "LEGACY", "options.logging"),
    ("a key that Cloud Deploy has not", D + "prod.yaml", r"phaseConfigs:", "phases:", "phases"),
    ("a phase that is not verified", D + "prod.yaml", r"verify: true", "verify: false", "is not verified"),
    ("shares that do not rise", D + "prod.yaml", r"percentage: 25", "percentage: 5", "do not rise"),
    ("a profile that skaffold has not", D + "prod.yaml", r"profiles: \[prod-canary\]", "profiles: [prod-canery]", "prod-canery"),
    ("a stage without a target", D + "staging.yaml", r"targetId: assay-staging", "targetId: assay-stage", "no target here"),
    ("the cluster of another project", D + "prod.yaml", r"projects/assay-prod/loc", "projects/assay-staging/loc", "is not of the project"),
    ("another account deploys", D + "prod.yaml", r"serviceAccount: assay-deployer@assay-prod\.iam", "serviceAccount: owner@assay-prod.iam", "is deployed as"),
    ("nothing goes back", D + "prod.yaml", r"repairRolloutRule", "timedPromoteReleaseRule", "nothing rolls assay-prod back"),
    ("automation of a phase that is not there", D + "prod.yaml", r"sourcePhases: \[canary-5,", "sourcePhases: [canary-6,", "canary-6"),
    ("a kind that Cloud Deploy has not", D + "staging.yaml", r"kind: Target", "kind: Goal", "Goal"),
    ("a key that skaffold has not", "deploy/skaffold.yaml", r"kustomize:", "kustomise:", "unknown key kustomise"),
    ("an overlay that is not there", "deploy/skaffold.yaml", r"overlays/staging", "overlays/stage", "overlays/stage"),
    ("a question that in-deploy does not know", "deploy/skaffold.yaml", r"args: \[load\]", "args: [loads]", "does not know"),
    ("an image that no release carries", "deploy/skaffold.yaml", r"image: assay-verify", "image: assay-verifier", "no release carries"),
    ("a host that is not Kubernetes'", "deploy/pipelines/places.json", r"staging\.deblock\.com", "stage.deblock.com", "is not what deploy/kubernetes says"),
    ("a program that does not parse", "deploy/pipelines/smoke", r"def main\(\):", "def main()", "smoke"),
    ("an unquoted variable in a program", "deploy/pipelines/publish", r'"\$scratch/digest"\)', "$scratch/digest)", "SC2086"),
]


def copy(to):
    for name in (".github", "deploy", "script", "docs", "tests/deploy", "CMakeLists.txt"):
        source, target = os.path.join(TREE, name), os.path.join(to, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(source, target)


def main():
    failed = 0

    def claim(holds, text):
        nonlocal failed
        failed += not holds
        print(("ok " if holds else "FAILED ") + text, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        plants, entries = [], list(listed(TREE, "tree"))
        has = {name: os.path.isdir(os.path.join(TREE, "deploy", name)) for name in ("kubernetes", "terraform")}
        base = os.path.join(folder, "base")
        copy(base)
        for i, (what, path, old, new, says) in enumerate(PLANTED):
            if ("deploy/kubernetes" in says or "overlays" in says) and not has["kubernetes"]:
                print(f"SKIPPED planted: {what} (deploy/kubernetes is not here)")
                continue
            text = lint.read(os.path.join(base, path))
            planted, count = re.subn(old, new.replace("\\", "\\\\"), text, count=1)
            if count == 0:
                claim(False, f"planted: {what}: nothing in {path} to replace")
                continue
            # Only what the plant concerns is a file of its own; the rest is the base, by links.
            root = os.path.join(folder, str(i))
            linked(base, root, path)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(planted)
            shutil.copymode(os.path.join(base, path), os.path.join(root, path))
            plants.append((what, root, path, says, str(i)))
            entries += [e for e in listed(root, str(i)) if e["path"].endswith("/" + path)]
        answers = asked(entries, folder)

        found = sorted(set([*lint.problems(TREE), *lint.shellcheck(TREE), *answers.get("tree", []), *answers.get("typed.mjs", [])]))
        for problem in found:
            claim(False, problem)
        claim(not found, f"{sum(1 for _ in listed(TREE, ''))} files of workflows, builds and deliveries, and deploy/skaffold.yaml, hold what is asked")
        if not shell.gcloud_root():
            print("SKIPPED Google's own readers of Cloud Build and Cloud Deploy files, and gcloud's options (no gcloud here)")
        for name, there in has.items():
            if not there:
                print(f"SKIPPED names that deploy/{name} uses, too (it is not here)")
        usual = {*found, *lint.problems(TREE)}
        for what, root, path, says, label in plants:
            try:
                problems = [*lint.problems(root, path), *(lint.shellcheck(root, path) if "SC2" in says else [])]
            except (KeyError, TypeError, AttributeError) as error:  # a key that must be there is not
                problems = [f"{type(error).__name__}: {error}"]
            problems = [p for p in problems + answers.get(label, []) if p not in usual]
            said = next((p for p in problems if says in p), None)
            claim(said is not None, f"planted: {what}" + ("" if said else f"; instead: {problems[:3]}"))
    sys.exit(1 if failed else 0)


def linked(base, root, path):
    """root is base, but that the folders down to path are real ones, so that one file can differ."""
    os.makedirs(root)
    here, there = base, root
    for part in path.split("/"):
        for name in os.listdir(here):
            if name != part:
                os.symlink(os.path.join(here, name), os.path.join(there, name))
        here, there = os.path.join(here, part), os.path.join(there, part)
        if os.path.isdir(here):
            os.makedirs(there)


if __name__ == "__main__":
    main()
