"""inside - what is in an image, judged from its OCI layout alone."""
import hashlib
import json
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

LABELS = ("title", "description", "version", "revision", "created", "licenses")


@dataclass
class Image:
    folder: Path
    config: dict
    modes: dict  # path to mode, as the layers say; unpacking drops some bits


def blob(layout, digest):
    return layout / "blobs" / digest.replace(":", "/")


def manifest_of(layout):
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    return digest, json.loads(blob(layout, digest).read_text())


def unpack(layout, folder):
    _, manifest = manifest_of(layout)
    folder.mkdir(parents=True)
    modes = {}
    for layer in manifest["layers"]:
        with tarfile.open(blob(layout, layer["digest"])) as tar:
            for member in tar:
                path = "/" + member.name.rstrip("/")
                for link, real in (("/bin/", "/usr/bin/"), ("/lib/", "/usr/lib/"), ("/lib64/", "/usr/lib64/")):
                    if path.startswith(link):
                        path = real + path[len(link):]
                modes[path] = None if member.issym() else member.mode
                tar.extract(member, folder)
    return Image(folder, json.loads(blob(layout, manifest["config"]["digest"]).read_text()), modes)


def size_of(folder):
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def faults_of_program(path):
    faults = []
    header, segments, dynamic, symbols = (readelf(o, path) for o in ("-h", "-l", "-d", "--dyn-syms"))
    if "Type:                              DYN" not in header:
        faults.append(f"{path.name} is not position independent (PIE)")
    if "GNU_RELRO" not in segments or not re.search(r"BIND_NOW|Flags:.*NOW", dynamic):
        faults.append(f"{path.name} has no full RELRO: -z relro -z now")
    stack = re.search(r"GNU_STACK.*", segments)
    if not stack or re.search(r"\bRWE\b", stack[0]):
        faults.append(f"{path.name} has an executable stack")
    if "__stack_chk_fail" not in symbols:
        faults.append(f"{path.name} has no stack protector")
    if not re.search(r"__\w+_chk\b", symbols.replace("__stack_chk", "")):
        faults.append(f"{path.name} is not fortified (_FORTIFY_SOURCE)")
    if "RPATH" in dynamic or "RUNPATH" in dynamic:
        faults.append(f"{path.name} looks for libraries in a folder of its own")
    return faults


def faults_of(image, target):
    faults = []
    config = image.config["config"]
    if config.get("User") != "65532:65532":
        faults.append(f"user is {config.get('User')!r}, not 65532:65532")
    if config.get("Entrypoint") != [f"/usr/bin/{target}"]:
        faults.append(f"entrypoint is {config.get('Entrypoint')}")
    for name in LABELS:
        if not config.get("Labels", {}).get("org.opencontainers.image." + name):
            faults.append(f"label {name} is missing")
    for path, mode in image.modes.items():
        if mode is None:
            continue
        if mode & 0o6000:
            faults.append(f"{path} is setuid or setgid")
        if mode & 0o002 and path != "/tmp":
            faults.append(f"{path} may be written by everybody")
        found = image.folder / path[1:]
        if mode & 0o111 and found.is_file() and path != f"/usr/bin/{target}" and not re.search(r"/ld-linux[^/]*$", path):
            faults.append(f"{path} can be run and is not the program")
    program = image.folder / "usr/bin" / target
    faults += faults_of_program(program)
    # Every library that is named anywhere is there.
    libraries = {path.name: path for path in (image.folder / "usr/lib").rglob("*.so*")}
    for path in [program, *(path for path in libraries.values() if not path.is_symlink())]:
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", path)):
            if name not in libraries:
                faults.append(f"{path.name} needs {name}, which is not there")
    if not (image.folder / "etc/ssl/certs/ca-certificates.crt").stat().st_size > 100_000:
        faults.append("no certificates")
    return faults


def faults_of_digest(layout):
    faults = []
    digest, manifest = manifest_of(layout)
    for name in [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]:
        if hashlib.sha256(blob(layout, name).read_bytes()).hexdigest() != name.removeprefix("sha256:"):
            faults.append(f"{name} has other content")
    return faults


def faults_of_bill(bill, image):
    faults = [] if (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5") else ["not CycloneDX 1.5"]
    listed = {part["name"]: part["hashes"][0]["content"] for c in bill["components"] for part in c["components"]}
    for path in image.folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        name = "/" + str(path.relative_to(image.folder))
        if path.read_bytes()[:4] == b"\x7fELF" and listed.get(name) != hashlib.sha256(path.read_bytes()).hexdigest():
            faults.append(f"{name} is not listed, or with another sum")
    references = [c["bom-ref"] for c in bill["components"]]
    if len(set(references)) != len(references) or len(references) < 10:
        faults.append("packages stand twice, or too few are there")
    return faults
