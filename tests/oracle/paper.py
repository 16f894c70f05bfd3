"""Are model-card.md and validation.md good Markdown, do they say what metrics.json says, and do they
name nobody? Read with markdown-it-py (CommonMark and tables); figures are looked up in the tables by
row and column, whatever stands around them."""

import argparse
import csv
import gzip
import json
import pathlib
import re
import sys

from markdown_it import MarkdownIt


def fail(message):
    sys.exit(f"paper: {message}")


class Paper:
    def __init__(self, path):
        self.name = path.name
        self.text = path.read_text(encoding="utf-8")
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(self.text)
        self.headings, self.tables = [], []  # a table: (heading before it, [row of cells])
        for i, token in enumerate(tokens):
            # Nothing but what the writer makes: no markup that came from a text.
            if token.type in ("html_block", "blockquote_open", "hr", "code_block", "ordered_list_open"):
                fail(f"{self.name} has a {token.type} near line {token.map}")
            if token.type == "heading_open":
                self.headings.append((token.tag, tokens[i + 1].content))
            elif token.type == "table_open":
                self.tables.append((self.headings[-1][1], []))
            elif token.type == "tr_open":
                self.tables[-1][1].append([])
            elif token.type == "inline":
                kinds = {child.type for child in token.children or []}
                strange = kinds - {"text", "text_special", "strong_open", "strong_close"}
                if strange:
                    fail(f"{self.name} has {sorted(strange)} in: {token.content}")
                if tokens[i - 1].type in ("th_open", "td_open"):
                    self.tables[-1][1][-1].append("".join(c.content for c in token.children))
        # A table that the parser took for text would leave its bars behind.
        for token in tokens:
            if token.type == "inline" and re.search(r"\|\s*-{3}", token.content):
                fail(f"{self.name} has a broken table: {token.content[:80]}")
        for heading, rows in self.tables:
            if len({len(row) for row in rows}) != 1 or len(rows) < 2:
                fail(f"{self.name}: a table under '{heading}' is not a rectangle")

    def row(self, heading, column, starts):
        """The row, by column name, of a table under the heading that has the column."""
        for under, rows in self.tables:
            if under.startswith(heading) and column in rows[0]:
                for row in rows[1:]:
                    if row[0] == starts:
                        return dict(zip(rows[0], row))
        fail(f"{self.name} has no row '{starts}' with '{column}' under '{heading}'")


def figure(interval, digits):
    """As the papers write it, compared as numbers: a half may be rounded either way."""
    return [interval[k] for k in ("value", "low", "high")], digits


def same(paper, cell, expected, what):
    values, digits = expected
    said = [float(x) for x in re.findall(r"-?\d+\.\d+|-?\d+", cell)]
    known = [v for v in values if v is not None]
    if values[0] is None:
        if cell != "not defined":
            fail(f"{paper.name}: {what} is not defined, and the paper says {cell}")
        return 1
    if values[1] is None or values[2] is None:
        known = values[:1]
    if len(said) != len(known) or any(
        abs(a - b) > 0.5 * 10**-digits + 1e-9 for a, b in zip(said, known)
    ):
        fail(f"{paper.name}: {what} is {known}, and the paper says {cell}")
    return 1


def check_slices(card, validation, metrics):
    """Figures of the chosen candidate and of the nested procedure, stratum by stratum."""
    checked = 0
    chosen = next(c for c in metrics["validation"]["candidates"] if c["name"] == metrics["validation"]["chosen"])
    headline = metrics["validation"]["headline_stratum"]
    columns = {"ROC AUC": "auc", "PR AUC": "pr_auc", "Precision": "precision", "Recall": "recall"}
    more = {"Log loss": "log_loss", "Brier score": "brier"}
    sets = [(s["stratum"], s) for s in chosen["strata"]]
    sets += [
        (f"{s['stratum']}, choice of the model included (nested)", s)
        for s in metrics["validation"]["nested"]["strata"]
        if s["stratum"] == headline
    ]
    for paper, heading, which in (
        (card, "Figures", columns),
        (validation, "9 ", columns | more),
    ):
        for name, one in sets:
            quoted = metrics["headline"]["slice"]
            label = f"{name} (quoted)" if name == quoted else name
            row = paper.row(heading, "ROC AUC", label)
            if int(row["Customers"].replace(",", "")) != one["customers"]:
                fail(f"{paper.name}: customers of {name}")
            if int(row["Suspended"].replace(",", "")) != one["positives"]:
                fail(f"{paper.name}: suspended of {name}")
            few = min(one["positives"], one["customers"] - one["positives"]) < 10
            for column, metric in which.items():
                if few:
                    if row[column] != "too few":
                        fail(f"{paper.name}: {name} has {column} of too few customers")
                else:
                    checked += same(paper, row[column], figure(one["metrics"][metric], 3), f"{column} on {name}")
    return checked


def check_candidates(validation, metrics):
    checked = 0
    v = metrics["validation"]
    for c in v["candidates"]:
        name = c["name"] + (" (chosen)" if c["name"] == v["chosen"] else "")
        row = validation.row("6 ", "Settings", name)
        loss = [float(x) for x in row["Log loss"].split(" ± ")]
        if abs(loss[0] - c["log_loss"]) > 0.6e-4:
            fail(f"log loss of {name}: {loss[0]} and {c['log_loss']}")
        checked += 1
    return checked


def check_account(card, validation, quality):
    total = {key: 0 for key in ("rows", "used", "merged", "quarantined")}
    for line in quality["ledger"]:
        row = validation.row("3 ", "Rows", re.sub(r"\s", " ", line["file"]))
        for key, column in (("rows", "Rows"), ("used", "Used"), ("merged", "Merged"), ("quarantined", "Set aside")):
            if int(row[column].replace(",", "")) != line[key]:
                fail(f"{key} of {line['file']}")
            total[key] += line[key]
    row = validation.row("3 ", "Rows", "all")
    if int(row["Rows"].replace(",", "")) != total["rows"]:
        fail("rows of all files")
    if total["rows"] != total["used"] + total["merged"] + total["quarantined"]:
        fail("the account of rows does not hold")
    said = [r for heading, rows in validation.tables if heading.startswith("16 ") and "Code" in rows[0] for r in rows[1:]]
    known = {}
    for finding in quality["findings"]:
        if finding["severity"] != "info":
            key = (finding["severity"], finding["code"])
            known[key] = known.get(key, 0) + 1
    if {(r[0], r[1]): int(r[2].replace(",", "")) for r in said} != known:
        fail("open findings are not those of quality.json")
    for r in said:
        if r[-1] != "":
            fail("a remark of the validator is not empty")
    return len(known) + 5


def ids_of(paths):
    ids = set()
    for path in paths:
        opened = gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            for row in csv.reader(file):
                if row and len(row[0]) >= 6:
                    ids.add(row[0])
    return ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True, type=pathlib.Path)
    parser.add_argument("--customers", nargs="*", default=[])
    args = parser.parse_args()
    card, validation = Paper(args.run / "model-card.md"), Paper(args.run / "validation.md")
    metrics = json.loads((args.run / "metrics.json").read_text())
    quality = json.loads((args.run / "quality.json").read_text())
    if [tag for tag, _ in card.headings].count("h1") != 1 or [t for t, _ in validation.headings].count("h1") != 1:
        fail("a paper has one title")
    numbers = [int(h.split()[0]) for tag, h in validation.headings if tag == "h2"]
    if numbers != list(range(1, 19)):
        fail(f"sections of validation.md are {numbers}")
    checked = check_slices(card, validation, metrics)
    checked += check_candidates(validation, metrics)
    checked += check_account(card, validation, quality)
    run = json.loads((args.run / "run.json").read_text())
    for paper, heading in ((card, "What it is"), (validation, "15 ")):
        if paper.row(heading, "Value", "Bundle")["Value"] != run["bundle"]["id"]:
            fail(f"{paper.name} names another bundle")
        if paper.row(heading, "Value", "Training data (SHA-256)")["Value"] != run["bundle"]["data_sha256"]:
            fail(f"{paper.name} names other training data")
        if paper.row(heading, "Value", "Seed")["Value"] != str(run["seed"]):
            fail(f"{paper.name} names another seed")
    words = set(re.findall(r"[^\s|,;:()]+", card.text + " " + validation.text))
    named = words & ids_of(args.customers)
    named -= {"user_id", "customer_id"}
    if named:
        fail(f"{len(named)} customers are named")
    print(f"{checked} figures and counts of the papers are those of metrics.json and quality.json; nobody is named")


if __name__ == "__main__":
    main()
