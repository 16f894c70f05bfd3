"""pipelines - build the images of deploy/pipelines as its workflows do, and do with them what they are for."""
import json
import os
import shutil

from claims import claim, run
from running import HARDENED

# apt within the build goes the way of this machine's; nothing of it stays in the image.
AS_HERE = [f"--volume={path}:{path}:ro" for path in ("/etc/apt", "/etc/ssl/certs") if os.path.exists(path)]
VOLUME = f"assay-image-check-{os.getpid()}"


def build(file, tag, context, *arguments):
    return run("buildah", "build", "--layers", "--pull-never", "--quiet", "--timestamp", "0", *AS_HERE, *(f"--build-arg={one}" for one in arguments), "--file", file,
               "--tag", tag, context)


def within(image, *command, options=()):
    return run("podman", "run", "--rm", *HARDENED, *options, image, *command)


def check(work, bundle_folder, serving, jobs):
    base = json.loads(run("buildah", "inspect", "--type", "image", jobs).stdout)["OCIv1"]["config"]["Labels"]["org.opencontainers.image.base.name"]
    built = build("deploy/pipelines/Dockerfile", "localhost/assay-verify:check", "deploy/pipelines", f"BASE={base}", f"ASSAY={jobs}")
    claim("assay-verify is built", built.returncode == 0, [built.stderr[-2000:]])
    if built.returncode == 0:
        said = within("localhost/assay-verify:check", "/bin/sh", "-c", "id -u && assay version && command -v wrk python3 && ls -ld /opt/assay/usr/bin/assay")
        claim("assay-verify: as 65532, root read-only, it has the program with its own libraries, wrk and Python",
              said.returncode == 0 and said.stdout.startswith("65532\n") and "/usr/bin/wrk" in said.stdout, [said.stdout, said.stderr])
        # in-deploy takes no option; it is asked below.
        said = within("localhost/assay-verify:check", "/bin/sh", "-c", 'cd /opt/pipelines && for one in *; do [ ! -f "$one" ] || [ ! -x "$one" ] || [ "$one" = in-deploy ] || '
                      '{ ./"$one" --help >/dev/null 2>&1 && echo begun || echo "$one"; }; done')
        begun, fail = said.stdout.split().count("begun"), [name for name in said.stdout.split() if name != "begun"]
        claim(f"assay-verify: {begun} programs of the pipelines begin in it", not fail and begun > 8, [*fail, said.stderr])
        said = within("localhost/assay-verify:check", "/opt/pipelines/in-deploy", "smoke")
        claim("seeded: in-deploy without a release refuses", said.returncode not in (0, 126, 127), [said.stdout, said.stderr])

    folder = work / "context"
    shutil.copytree(bundle_folder, folder / "bundle")
    for path in [folder / "bundle", *(folder / "bundle").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    bundle = "localhost/bundles-risk:check"
    ids = [build("deploy/pipelines/bundle.Dockerfile", bundle, str(folder), f"BASE={base}") for _ in range(2)]
    claim("the bundle's image is built, and is the same the second time", ids[0].returncode == 0 and ids[0].stdout.split()[-1:] == ids[1].stdout.split()[-1:],
          [one.stderr[-2000:] + one.stdout for one in ids])
    # As deliver shadow has it: a new volume is filled from the image, and the service reads it there.
    run("podman", "run", "--rm", "--runtime", "runc", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "host", "--pull", "never", "--volume",
        f"{VOLUME}:/bundle", bundle, "/bin/busybox", "true")
    said = within(serving, "verify", "--bundle", "/bundle", options=["--volume", f"{VOLUME}:/bundle:ro"])
    claim("a volume that is filled from the bundle's image holds the bundle, as the serving image's own program finds", said.returncode == 0, [said.stdout, said.stderr])
    other = within(serving, "verify", "--bundle", "/bundle", options=["--volume", f"{VOLUME}-empty:/bundle:ro"])
    claim("seeded: a volume that nobody filled is no bundle", other.returncode != 0, [other.stdout])
    run("podman", "volume", "rm", "--force", VOLUME, f"{VOLUME}-empty")
    run("buildah", "rmi", "localhost/assay-verify:check", bundle)
