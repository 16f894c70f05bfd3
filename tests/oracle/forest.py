"""Compare our forest with XGBoost, which opens the same model.json.

    python tests/oracle/forest.py FOLDER

FOLDER was written by forest_export (tests/tools/forest_export.c). Margins must be those of
XGBoost within 1e-6 (it adds float32 trees in the same order; equal bits are counted and said),
contributions its exact TreeSHAP within 1e-5 and 1e-4 of their size. Moving a monotone column its
way must never move XGBoost's margin the other way.
"""
import argparse
import csv
import sys

import numpy as np
import xgboost


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return np.array([[np.nan if cell == "" else float(cell) for cell in row]
                         for row in csv.reader(file)])


def open_booster(path):
    booster = xgboost.Booster()
    booster.load_model(path)
    return booster


def xgboost_rows(booster, x):
    """Rows as XGBoost takes them: float32, NaN missing, named as the model names its columns."""
    return xgboost.DMatrix(x.astype(np.float32), missing=np.nan,
                           feature_names=booster.feature_names, nthread=1)


def xgboost_margins(booster, x):
    return booster.predict(xgboost_rows(booster, x), output_margin=True)


def xgboost_contributions(booster, x):
    return booster.predict(xgboost_rows(booster, x), pred_contribs=True).astype(np.float64)


def monotone_breaks(booster, x, way):
    """How many rows fall when a column is moved its way, over a grid of the column's own values."""
    breaks = moved = 0
    for column in np.flatnonzero(way):
        levels = np.quantile(x[:, column][~np.isnan(x[:, column])], np.linspace(0, 1, 21))
        previous = None
        for level in levels:
            changed = x.copy()
            changed[:, column] = level
            margin = xgboost_margins(booster, changed)
            if previous is not None:
                step = (margin - previous) * way[column]
                breaks += int(np.sum(step < -1e-6))
                moved += int(np.sum(step > 1e-6))
            previous = margin
    return breaks, moved


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the folder that forest_export wrote")
    folder = parser.parse_args().folder
    matrix = read_rows(folder + "/matrix.csv")
    way, x = matrix[0], matrix[1:]
    margin = read_rows(folder + "/margins.csv")[:, 0]
    contributions = read_rows(folder + "/contributions.csv")
    booster = open_booster(folder + "/model.json")

    expected = xgboost_margins(booster, x)
    equal = int(np.sum(margin.astype(np.float32) == expected))
    worst_margin = float(np.max(np.abs(margin - expected)))
    shap = xgboost_contributions(booster, x)
    gap = np.abs(contributions - shap)
    far = int(np.sum(gap > 1e-5 + 1e-4 * np.abs(shap)))
    worst_sum = float(np.max(np.abs(contributions.sum(axis=1) - margin)))
    breaks, moved = monotone_breaks(booster, x, way)
    problems = [text for wrong, text in (
        (worst_margin > 1e-6, "margins are not XGBoost's"),
        (far > 0, f"{far} contributions are not XGBoost's"),
        (worst_sum > 1e-5, "contributions do not add up to the margin"),
        (breaks > 0, f"{breaks} steps go against a monotone column's way"),
        (moved == 0, "no monotone column moves any margin: nothing was tried"),
        (not np.isnan(x).any() or np.ptp(expected) < 1, "the forest is too plain to tell")) if wrong]
    for problem in problems:
        print("problem: " + problem)
    print(f"forest: {len(x)} rows, {booster.num_boosted_rounds()} trees; margins: {equal} equal "
          f"in every bit, worst {worst_margin:.2g}; contributions: worst {gap.max():.2g}; "
          f"monotone steps: {moved} moved, {breaks} broken")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
