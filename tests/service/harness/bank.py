"""A made-up bank, two runs over it, and its customers as requests."""

import csv
import io
import json
import os
import subprocess

FILES = {
    "--customers": "labelled_users.csv",
    "--transactions": "labelled_transactions.csv",
    "--score-customers": "unlabelled_users.csv",
    "--score-transactions": "unlabelled_transactions.csv",
}


class Run:
    """A run folder: its decisions, and the requests that must be answered with them."""

    def __init__(self, folder):
        self.folder = folder
        self.bundle = os.path.join(folder, "bundle")
        with open(os.path.join(folder, "decisions.jsonl"), "rb") as f:
            self.lines = f.read().splitlines()
        self.histories = []
        for name in ("customers.csv", "transactions.csv"):
            with open(os.path.join(folder, "histories", name), "rb") as f:
                self.histories.append(f.read())

    def rows(self, line):
        """What the run saw of the customer of a line: (rows of the profile, rows of transactions)."""
        out = []
        for text, place in zip(self.histories, (line["history"]["customers"], line["history"]["transactions"])):
            part = text[: text.index(b"\n") + 1] + text[place["offset"] : place["offset"] + place["bytes"]]
            out.append(list(csv.DictReader(io.StringIO(part.decode(), newline=""))))
        return out

    def request(self, line, typed=False):
        """The request that must be answered as the line says. typed: numbers and truths as JSON has them."""
        customers, transactions = self.rows(line)
        request = {
            "customer_id": line["customer_id"],
            "customer": [cells(r, typed) for r in customers],
            "transactions": [cells(r, typed) for r in transactions],
            "as_of": line["as_of"],
        }
        if line["given"]["facts"]:
            request["facts"] = line["given"]["facts"]
        if "earlier" in line["given"]:
            request["earlier"] = line["given"]["earlier"]
        options = {}
        if not line["explained"]:
            options["reasons"] = False
        if line["language"] != "en":
            options["language"] = line["language"]
        if options:
            request["options"] = options
        return request

    def requests(self, typed=False):
        """[(request, the decision's own bytes)] of every customer scored."""
        return [(self.request(json.loads(line), typed), decision_bytes(line)) for line in self.lines]

    def typical(self, transactions=30, typed=True):
        """The request of the customer whose number of transactions is nearest to this, one profile row."""
        parsed = [json.loads(line) for line in self.lines]
        one = min(parsed, key=lambda line: abs(len(self.rows(line)[1]) - transactions))
        request = self.request(one, typed)
        request["customer"] = request["customer"][0]
        return request


class Bank(Run):
    """folder/data; folder/out, a run; folder/scored, the same customers scored with a forest of XGBoost's, knowing what
    the run said before and some facts of cases, and told in French."""

    def __init__(self, folder):
        super().__init__(os.path.join(folder, "out"))
        self.data = os.path.join(folder, "data")
        self.forest = Run(os.path.join(folder, "scored"))
        self.model = os.path.join(folder, "forest.json")

    @staticmethod
    def make(folder, assay, customers=400, seed=5, trees=100, depth=3):
        data, out = os.path.join(folder, "data"), os.path.join(folder, "out")
        os.makedirs(folder, exist_ok=True)
        bank = ["--customers", str(customers), "--seed", str(seed), "--defects", "0.005"]
        call(assay, "synth", *bank, "--out", data, "--quiet")
        files = {option: os.path.join(data, name) for option, name in FILES.items()}
        every = [part for pair in files.items() for part in pair]
        little = ["--trials", "1", "--repeats", "2", "--shuffles", "2", "--stability", "0", "--quiet"]
        call(assay, "run", *every, *little, "--out", out)

        # The same books with a forest of XGBoost's: its reasons cost most.
        with open(os.path.join(out, "bundle", "bundle.json")) as f:
            as_of = ["--as-of", json.load(f)["as_of"]]
        moved = ["--transactions", files["--transactions"], "--transactions", files["--score-transactions"]]
        base = ["--bundle", os.path.join(out, "bundle"), *as_of, *moved, "--quiet"]
        labelled = ["--customers", files["--customers"]]
        model, forest = os.path.join(folder, "forest.json"), os.path.join(folder, "forest")
        train_forest(call(assay, "bundle", "matrix", *base, *labelled), model, trees, depth)
        call(assay, "bundle", "import", *base, *labelled, "--model", model, "--out", forest)
        base[1] = forest
        facts = os.path.join(folder, "facts.csv")
        with open(os.path.join(out, "decisions.jsonl"), encoding="utf-8") as f:
            ids = [json.loads(line)["customer_id"] for line in f]
        with open(facts, "w", encoding="utf-8") as f:
            f.write("customer_id,fact,since,evidence\n")
            f.writelines(f"{one},{FACTS[i % len(FACTS)]}\n" for i, one in enumerate(ids[::3]))
        aside = ["--quarantine", os.path.join(folder, "aside.csv")]
        scored = ["--customers", files["--score-customers"], "--changes", "no", "--out", os.path.join(folder, "scored")]
        call(assay, "score", *base, *scored, *aside, "--previous", out, "--case-facts", facts, "--language", "fr")
        return Bank(folder)


# Those of the default policy book: one documented, one not, one that begins after everything.
FACTS = ("cdd_failed,2024-07-01,case 1", "open_appeal,2024-08-01,", "cdd_failed,,", "open_appeal,2031-01-01,")


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


def large_forest(bank, assay, folder, trees=3600):
    """A bundle of about five megabytes: the bank's books with a forest of many trees. Its folder."""
    with open(os.path.join(bank.bundle, "bundle.json"), encoding="utf-8") as f:
        base = ["--bundle", bank.bundle, "--as-of", json.load(f)["as_of"], "--quiet"]
    for kind in ("--transactions", "--score-transactions"):
        base += ["--transactions", os.path.join(bank.data, FILES[kind])]
    base += ["--customers", os.path.join(bank.data, FILES["--customers"])]
    os.makedirs(folder)
    model, bundle = os.path.join(folder, "forest.json"), os.path.join(folder, "bundle")
    more = {"eta": 0.005, "min_child_weight": 0.3, "subsample": 0.7}
    train_forest(call(assay, "bundle", "matrix", *base), model, trees, 6, **more)
    call(assay, "bundle", "import", *base, "--model", model, "--out", bundle)
    return bundle


def train_forest(matrix, path, trees, depth, **more):
    import numpy
    import xgboost

    rows = list(csv.reader(io.StringIO(matrix)))
    values = numpy.array([[float(c) if c else numpy.nan for c in row[1:]] for row in rows[1:]], dtype=numpy.float32)
    table = xgboost.DMatrix(values[:, 1:], label=values[:, 0], feature_names=rows[0][2:])
    settings = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "nthread": 1, "seed": 1, **more}
    xgboost.train(settings, table, trees).save_model(path)


def decision_bytes(line):
    """Of a line of the log: from decision_id to contributions, as bytes."""
    return line[line.index(b'"decision_id":') : line.rindex(b',"previous":')]


TRUTH = {"true": True, "false": False, "True": True, "False": False}


def cells(row, typed):
    out = {}
    for name, text in row.items():
        if text == "":
            out[name] = None
        elif typed and text in TRUTH:
            out[name] = TRUTH[text]
        elif typed and name == "amount":
            out[name] = float(text)
        else:
            out[name] = text
    return out
