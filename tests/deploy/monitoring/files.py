"""What stands in the files of deploy/monitoring: rules, expressions, metrics that are named."""

import glob
import json
import os
import re

import yaml

WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?")
# Names in an expression that are no metrics.
GRAMMAR = set(
    "sum min max avg count topk bottomk by without on ignoring group_left group_right and or unless offset bool rate increase "
    "changes delta abs absent histogram_quantile label_replace min_over_time max_over_time avg_over_time scalar vector time".split()
)


class Files:
    """root: the repository, or a copy of the parts that are looked at."""

    def __init__(self, root):
        self.root = root
        self.base = os.path.join(root, "deploy", "monitoring")
        self.rule_files = sorted(glob.glob(os.path.join(self.base, "prometheus", "rules", "*.yaml")))
        self.rules = []
        for path in self.rule_files:
            with open(path, encoding="utf-8") as f:
                for group in yaml.safe_load(f)["groups"]:
                    self.rules += group["rules"]
        self.alerts = [r for r in self.rules if "alert" in r]
        self.recorded = [r["record"] for r in self.rules if "record" in r]
        self.dashboards = {}
        for path in sorted(glob.glob(os.path.join(self.base, "grafana", "dashboards", "*.json"))):
            with open(path, encoding="utf-8") as f:
                self.dashboards[os.path.basename(path)] = json.load(f)
        with open(os.path.join(self.base, "outside.yaml"), encoding="utf-8") as f:
            self.outside = yaml.safe_load(f)["metrics"]
        with open(os.path.join(self.base, "alertmanager", "alertmanager.yml"), encoding="utf-8") as f:
            self.alertmanager = yaml.safe_load(f)

    def panel_expressions(self):
        """[(where, expression)] of every dashboard."""
        return [
            (f"{name}: {panel['title']}", target["expr"])
            for name, dashboard in self.dashboards.items()
            for panel in dashboard["panels"]
            for target in panel.get("targets", [])
        ]

    def expressions(self):
        return [(r.get("alert") or r["record"], r["expr"]) for r in self.rules] + self.panel_expressions()


def selectors(expression):
    """[(metric, matchers)] that an expression reads."""
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expression)
    out = []
    for name, matchers in SELECTOR.findall(blank_strings(text)[0]):
        if name in GRAMMAR or re.fullmatch(r"\d*[a-z]{1,2}", name) or name in ("e", "Inf", "NaN"):
            continue
        out.append((name, matchers))
    return [(n, restore(m, blank_strings(text)[1])) for n, m in out]


def blank_strings(text):
    kept = []

    def keep(m):
        kept.append(m[0])
        return f'"{len(kept) - 1}"'

    text = re.sub(r'"(?:[^"\\]|\\.)*"', keep, text)
    text = re.sub(r"\[[^\]]*\]", " ", text)  # ranges
    return text, kept


def restore(matchers, kept):
    return re.sub(r'"(\d+)"', lambda m: kept[int(m[1])], matchers)
