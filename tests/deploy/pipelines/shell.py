"""Commands in pieces of shell: do the programs of this tree that they call exist, and have they the options?"""

import functools
import os
import re
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
FOLDERS = ("script/", "deploy/", "tests/", "/opt/pipelines/")
ASSAY = os.path.join(TREE, "build", "release", "assay")


def commands(text):
    """Words of each simple command, roughly: lines joined, cut at what ends a command."""
    text = re.sub(r"\\\n\s*", " ", text)
    text = re.sub(r"#( |$).*", "", text)
    for line in re.split(r"\n|;|&&|\|\||\||\$\(|\)", text):
        line = re.sub(r"^\s*(if|then|else|do|while|!|\{|\()\s+", "", line.strip())
        line = re.sub(r"^[A-Za-z_]\w*=\$?\S*\s+(?=\S)", "", line)
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.split()
        while words and re.fullmatch(r"[a-z_]+=\$?", words[0]):
            words.pop(0)
        if words:
            yield words


def problems(root, text):
    for words in commands(text):
        name = words[0]
        if name.startswith(FOLDERS):
            path = name.replace("/opt/pipelines/", "deploy/pipelines/")
            full = os.path.join(root, path)
            if not os.path.exists(full):
                yield f"{path} does not exist"
            elif not os.access(full, os.X_OK):
                yield f"{path} cannot be run"
            else:
                yield from unknown(options(words[1:]), help_of(os.path.realpath(full)), path)
        elif name in ("assay", "assay-serve") and len(words) > 1:
            said = help_of(ASSAY, words[1])
            if said is None:
                yield f"assay has no command {words[1]}"
            else:
                yield from unknown(options(words[1:]), said, f"assay {words[1]}")
        elif name == "gcloud":
            yield from gcloud(words)
        for word in words[1:]:
            if re.match(r"deploy/[\w./-]+\.(yaml|json)$|deploy/[\w/-]+/(\w+\.)?Dockerfile$", word) and not os.path.exists(os.path.join(root, word)):
                yield f"{word} does not exist"


def options(words):
    return [w.split("=")[0] for w in words if re.match(r"--[a-z]", w)]


def unknown(given, said, what):
    known = set(re.findall(r"--[a-z][a-z0-9-]*", said or ""))
    for option in given:
        if option not in known:
            yield f"{what} has no option {option}"


@functools.lru_cache(maxsize=None)
def help_of(program, command=None):
    """What --help says; a program of the tree that has none (it takes no option) says nothing."""
    if command is None and program.endswith(("tests/deploy/run", "script/check", "script/coverage", "in-deploy")):
        with open(program, encoding="utf-8") as f:
            return f.read()
    done = subprocess.run([program, *([command] if command else []), "--help"], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


# ---- gcloud, when it is here: its own list of commands and options ----


@functools.lru_cache(maxsize=1)
def gcloud_tree():
    path = os.path.join(gcloud_root() or "/nowhere", "data", "cli", "gcloud_completions.py")
    if not os.path.exists(path):
        return None
    scope = {}
    with open(path, encoding="utf-8") as f:
        exec(compile(f.read(), path, "exec"), scope)  # noqa: S102 - a table that Google generates as Python
    return scope["STATIC_COMPLETION_CLI_TREE"]


@functools.lru_cache(maxsize=1)
def gcloud_root():
    done = subprocess.run(["sh", "-c", 'readlink -f "$(command -v gcloud)"'], capture_output=True, text=True)
    place = os.path.dirname(os.path.dirname(done.stdout.strip()))
    return place if place and os.path.exists(os.path.join(place, "lib", "googlecloudsdk")) else None


def gcloud(words):
    tree = gcloud_tree()
    if tree is None:
        return
    node, path = tree, ["gcloud"]
    flags = set(tree.get("flags", {}))
    for word in words[1:]:
        if not node.get("commands"):
            break
        if word not in node["commands"]:
            yield f"{' '.join(path)} has no command {word}"
            return
        node = node["commands"][word]
        path.append(word)
        flags |= set(node.get("flags", {}))
    for option in options(words[1:]):
        if option not in flags:
            yield f"{' '.join(path)} has no option {option}"
