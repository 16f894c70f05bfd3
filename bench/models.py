"""Time training, margins and contributions beside XGBoost, on this machine, in this run.

    .venv/bin/python bench/models.py [--build build/release] [--threads 2] [--rows 100000]

Prints the machine, seconds, and the ratio theirs / ours (above 1: ours is faster). Both train at the
same settings; margins and contributions are of one model, the file that XGBoost has written, and
are compared before their times are: margins to the bit. Runs alternate and the fastest counts.
Reading a matrix is in neither time; XGBoost's in-place prediction takes the same bare floats.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin would steal from ours

import numpy as np
import xgboost

RUNS = 3
TREES, DEPTH = 200, 6


def rows(rng, count, columns):
    x = rng.normal(size=(count, columns)).astype(np.float32)
    x[:, ::5] = np.floor(np.abs(x[:, ::5]) * 3)
    x[rng.random(x.shape) < 0.05] = np.nan
    z = np.nan_to_num(x)
    y = (z[:, 0] - z[:, 1] * z[:, 2] + 0.5 * z[:, 3] + rng.logistic(size=count) > 1).astype(np.uint8)
    return x, y


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                     "unknown")
    return f"{model}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def seconds_of(work):
    """Wall and processor time: on a busy machine only the second compares."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - wall, time.process_time() - processor), result


def least(took):
    """The least wall and the least processor time of some runs."""
    return tuple(min(column) for column in zip(*took))


def tool(build, name, *words):
    done = subprocess.run([f"{build}/{name}", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    return {line.split()[0]: tuple(float(x) for x in line.split()[1:])
            for line in done.stdout.splitlines()}


def report(work, ours, theirs, count=1, unit="s", scale=1):
    ours, theirs = least(ours), least(theirs)
    print(f"{work:26} {scale * ours[0] / count:10.3f} {scale * theirs[0] / count:10.3f} "
          f"{theirs[0] / ours[0]:7.2f}   {scale * ours[1] / count:10.3f} "
          f"{scale * theirs[1] / count:10.3f} {theirs[1] / ours[1]:7.2f}   {unit}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--explained", type=int, default=1000)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-bench-"))
    x, y = rows(np.random.default_rng(1), args.rows, args.columns)
    x.tofile(folder / "x.f32")
    y.tofile(folder / "y.u8")
    x[:10].tofile(folder / "few.f32")
    print(f"{machine()}; XGBoost {xgboost.__version__}; {args.rows} rows of {args.columns} columns, "
          f"{TREES} trees of depth {DEPTH}, {args.threads} threads")
    print(f"{'':26} {'wall: ours':>10} {'XGBoost':>10} {'ratio':>7}   {'CPU: ours':>10} "
          f"{'XGBoost':>10} {'ratio':>7}")

    settings = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.1, "max_bin": 255,
                "lambda": 1, "min_child_weight": 1, "tree_method": "hist", "nthread": args.threads}
    ours, theirs, booster = [], [], None
    for _ in range(RUNS):
        ours.append(tool(args.build, "learner", args.columns, folder / "x.f32", folder / "y.u8",
                         folder / "few.f32", folder / "out.f64", f"trees={TREES}", f"depth={DEPTH}",
                         "learning_rate=0.1", "bins=255", "l2=1", "hessian_min=1", "row_share=1",
                         "column_share=1", f"threads={args.threads}")["learn"])
        took, booster = seconds_of(lambda: xgboost.train(
            settings, xgboost.QuantileDMatrix(x, label=y, max_bin=255, nthread=args.threads), TREES))
        theirs.append(took)
    report("train, bins included", ours, theirs)

    booster.save_model(folder / "model.ubj")
    booster.set_param({"nthread": args.threads})
    ours, margins, shap, single = [], [], [], []
    explained = xgboost.DMatrix(x[:args.explained], nthread=args.threads)
    for _ in range(RUNS):
        ours.append(tool(args.build, "model_apply", folder / "model.ubj", folder / "x.f32",
                         folder / "margins.f32", folder / "phi.f64", args.explained, args.threads))
        took, margin = seconds_of(lambda: booster.inplace_predict(x, predict_type="margin"))
        margins.append(took)
        took, contributions = seconds_of(lambda: booster.predict(explained, pred_contribs=True))
        shap.append(took)
        took, _ = seconds_of(lambda: [booster.inplace_predict(x[i:i + 1], predict_type="margin")
                                      for i in range(200)])
        single.append(tuple(t / 200 for t in took))
    mine = np.fromfile(folder / "margins.f32", dtype=np.float32)
    phi = np.fromfile(folder / "phi.f64").reshape(args.explained, -1)
    if not np.array_equal(mine.view(np.uint32), margin.view(np.uint32)):
        sys.exit("margins are not XGBoost's: no times")
    if np.abs(phi - contributions).max() > 1e-4:
        sys.exit("contributions are not XGBoost's: no times")
    micro = {"unit": "µs a row", "scale": 1e6}
    report("margins", [o["margins"] for o in ours], margins, args.rows, **micro)
    report("margin of one row", [o["one_row"] for o in ours], single, **micro)
    report("contributions", [o["contributions"] for o in ours], shap, args.explained, **micro)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
