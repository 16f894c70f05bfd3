"""A bank in which the declared reason for the account stands for the gender.

    python tests/oracle/plant_proxy.py BANK OUT

Copies the four files of a made-up bank and gives seven women of eight one reason, and seven men of
eight the other. Nothing else changes: neither labels nor transactions know of it.
"""
import os
import shutil
import sys

import numpy as np
import pandas as pd


def main():
    bank, out = sys.argv[1:]
    random = np.random.default_rng(1)
    os.makedirs(out, exist_ok=True)
    for cohort in ("labelled", "unlabelled"):
        shutil.copy(f"{bank}/{cohort}_transactions.csv", out)
        users = pd.read_csv(f"{bank}/{cohort}_users.csv", dtype=str, keep_default_na=False)
        turned = {c: random.random() < 1 / 8 for c in sorted(set(users.user_id))}
        woman = (users.gender == "F") ^ users.user_id.map(turned)
        users["reason_to_use_app"] = np.where(woman, "CRYPTO", "DAILY_PAYMENTS")
        users.to_csv(f"{out}/{cohort}_users.csv", index=False)


if __name__ == "__main__":
    main()
