#!/usr/bin/env python3
"""other_banks.py ASSAY OUT - banks that assay has not been prepared for.

Makes five banks, each with its own language, names, formats and defects, and takes each the whole
way: `assay init` guesses the books, `assay run` runs by them and nothing else, and a list comes
out. What init should have found in each is written here, by hand, beside the bank; nothing in
this file is known to the program. Standard library only.
"""
import csv
import datetime as dt
import gzip
import os
import random
import re
import subprocess
import sys

DAY = 86400
START = dt.datetime(2023, 3, 1)
EPOCH = dt.datetime(1970, 1, 1)
failures = []


def say(bank, good, what):
    print(f"{'ok  ' if good else 'FAIL'} {bank}: {what}")
    if not good:
        failures.append(f"{bank}: {what}")


# ---- the same lives in every bank; only the way they are written down differs ----


class Person:
    """One customer: risky ones pass on what comes in, mostly; others live on a salary."""

    def __init__(self, r, number):
        self.number = number
        self.risky = r.random() < 0.2
        self.female = r.random() < 0.5
        self.born = dt.date(1940 + int(r.random() * 64), 1 + int(r.random() * 12), 1 + int(r.random() * 28))
        self.country = r.choices(["FR", "DE", "ES", "MA", "PL"], [60, 15, 10, 10, 5])[0]
        self.joined = r.random() * 60
        self.events = []  # day, incoming, amount in cents, kind, state, partner
        self.live(r)

    def add(self, day, incoming, amount, kind, state="done", partner=None):
        if day < 240:
            self.events.append((day, incoming, max(1, int(amount)), kind, state, partner))

    def live(self, r):
        day = self.joined
        strange = self.risky and r.random() < 0.85 or r.random() < 0.03
        payers = [f"X{r.randrange(10**6):06d}" for _ in range(6)]
        while day < 240:
            if strange and r.random() < 0.7:
                amount = r.randrange(20000, 300000)
                who = r.choice(payers)
                self.add(day, True, amount, "transfer", partner=who)
                rest = amount
                while rest > 3000:
                    part = min(rest, int(amount * r.uniform(0.3, 0.8)))
                    day += r.random() * 0.3
                    self.add(day, False, part, "transfer", partner=f"X{r.randrange(10**6):06d}")
                    rest -= part
                day += r.expovariate(1 / 9)
            else:
                if r.random() < 0.25:
                    self.add(day, True, r.gauss(210000, 40000), "transfer", partner=payers[0])
                for _ in range(r.randrange(1, 4)):
                    state = r.choices(["done", "failed", "pending"], [93, 5, 2])[0]
                    self.add(day + r.random() * 6, False, r.lognormvariate(8.1, 1), "card", state,
                             partner=f"M{r.randrange(200):03d}")
                day += r.expovariate(1 / 6)


def people(seed, count=560):
    r = random.Random(seed)
    return r, [Person(r, i) for i in range(count)]


def when(day):
    return START + dt.timedelta(days=day)


def write(path, rows, delimiter=",", encoding="utf-8", end="\n", opener=open):
    with opener(path, "wt", encoding=encoding, newline="") as f:
        writer = csv.writer(f, delimiter=delimiter, lineterminator=end)
        writer.writerows(rows)


# ---- what a person reads in a book, by the plainest means ----


def block(text, name):
    """The lines of a top-level key."""
    found = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", text, re.M)
    return found.group(1) if found else ""


def role(text, name):
    found = re.search(rf"^  {name}: (.*)$", text, re.M)
    return found.group(1).split(" #")[0].strip().strip('"') if found else None


def columns(text):
    """name -> its lines"""
    out, name = {}, None
    for line in text.split("\n"):
        begin = re.match(r"    - name: (.*)$", line)
        if begin:
            name = begin.group(1).strip('"')
            out[name] = ""
        elif name is not None:
            out[name] += line + "\n"
    return out


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def area(pairs):
    """Mann and Whitney's, by comparing everyone with everyone."""
    good = [p for p, y in pairs if not y]
    bad = [p for p, y in pairs if y]
    wins = sum((b > g) + (b == g) / 2 for b in bad for g in good)
    return wins / (len(good) * len(bad))


def journey(assay, bank, folder, files, scored, expect, truth):
    """init, then run, then the list."""
    books, results = os.path.join(folder, "books"), os.path.join(folder, "results")
    code, out, err = run(assay, "init", *files, *scored, "--out", books, "--quiet")
    say(bank, code == 0, f"init answers {code} {err.strip()}")
    if code != 0:
        return
    schema = open(os.path.join(books, "schema.yaml"), encoding="utf-8").read()
    features = open(os.path.join(books, "features.yaml"), encoding="utf-8").read()
    customers, transactions = block(schema, "customers"), block(schema, "transactions")
    label = re.search(r"  label:\n    column: (.*)\n    positive: \[(.*)\]\n    negative: \[(.*)\]\n"
                      r"(?:    ignored: \[(.*)\]\n)?", customers)
    say(bank, role(customers, "key") == expect["key"], f"customers' key {role(customers, 'key')}")
    say(bank, label is not None and [g and g.replace('"', "") for g in label.groups()] == expect["label"],
        f"label {label and label.groups()}")
    for name, want in expect["roles"].items():
        say(bank, role(transactions, name) == want, f"transactions' {name} is {role(transactions, name)}")
    told = columns(customers)
    told_too = columns(transactions)
    for name, ground in expect["protected"].items():
        say(bank, f"protected: {ground}\n" in told.get(name, ""), f"{name} stands for {ground}")
    extra = [n for n, t in told.items() if "protected:" in t and n not in expect["protected"]]
    say(bank, extra == [], f"no other column is protected {extra}")
    for name in expect["leaks"]:
        say(bank, "suspected leak" in told.get(name, told_too.get(name, "")), f"{name} is suspected")
        say(bank, not re.search(rf"^    expr: .*\b{re.escape(name)}\b", features, re.M),
            f"no feature reads {name}")
    extra = [n for n, t in {**told, **told_too}.items() if "suspected leak" in t and n not in expect["leaks"]]
    say(bank, extra == [], f"no other column is suspected {extra}")
    for name, words in expect["columns"].items():
        lines = told.get(name, told_too.get(name, ""))
        for word in words:
            say(bank, word + "\n" in lines, f"{name}: {word}")
    for name in expect.get("profile", []):
        say(bank, re.search(rf"^  - name: {name}$", features, re.M), f"{name} is a feature")
    for text in expect.get("features", []):
        say(bank, text in features, f"features.yaml has {text}")
    code, out, err = run(assay, "run", "--quiet", "--schema", f"{books}/schema.yaml", "--features",
                         f"{books}/features.yaml", "--policy", f"{books}/policy.yaml",
                         "--customers", files[0], *sum((["--transactions", f] for f in files[1:]), []),
                         *scored, "--folds", "3", "--repeats", "1", "--shuffles", "4", "--out", results)
    say(bank, code == 0, f"run answers {code} {err.strip()}")
    if code != 0:
        return
    decisions = {d["customer_id"]: d for d in rows_of(os.path.join(results, "decisions.csv"))}
    pairs = [(float(decisions[i]["probability"]), y) for i, y in truth.items() if i in decisions]
    say(bank, len(pairs) == len(truth), f"{len(pairs)} of {len(truth)} customers were scored")
    auc = area(pairs)
    say(bank, auc > 0.75, f"customers never seen are ranked at AUC {auc:.3f}")
    listed = [d["customer_id"] for d in rows_of(os.path.join(results, "offboarding.csv"))]
    right = sum(truth.get(i, False) for i in listed)
    say(bank, len(listed) >= 3 and right >= 0.5 * len(listed), f"{len(listed)} candidates, {right} rightly")


# ---- the banks ----


def french(assay, folder):
    """Semicolons, a byte-order mark, decimal commas, spaces between thousands, day/month/year,
    accents in names, three states of an account, a country behind another name."""
    r, all_people = people(11)
    euro = lambda c: f"{c // 100:,}".replace(",", " ") + f",{c % 100:02d}"
    ident = lambda p: f"C{p.number:05d}"
    head = ["N° client", "Civilité", "Date de naissance", "Groupe", "Ville", "Offre", "Plafond",
            "Date de clôture", "Statut du compte"]
    rows, later, truth = [head], [head[:7]], {}
    for p in all_people:
        row = [ident(p), "Mme" if p.female else "M.", p.born.strftime("%d/%m/%Y"), p.country,
               r.choice(["Lille", "Arras", "Lens", "Douai"]), r.choice(["Essentiel", "Premium", "Jeune"]),
               euro(r.randrange(5, 60) * 10000)]
        if p.number < 400:
            closed = p.risky
            state = "Clôturé pour fraude" if closed else "Actif" if r.random() < 0.93 else "Dormant"
            rows.append(row + [when(245).strftime("%d/%m/%Y") if closed else "", state])
            if p.number % 40 == 7:
                rows.append(rows[-1])  # a row twice
        else:
            later.append(row)
            truth[ident(p)] = p.risky
    kinds = {"transfer": "Virement", "card": "Carte"}
    states = {"done": "Exécutée", "failed": "Rejetée", "pending": "En attente"}
    tx = [["Référence opération", "N° client", "Date opération", "Sens", "Nature", "Montant", "Devise",
           "Statut", "Contrepartie"]]
    for p in all_people:
        for k, (day, incoming, amount, kind, state, partner) in enumerate(p.events):
            tx.append([f"OP{p.number:05d}{k:04d}", ident(p), when(day).strftime("%d/%m/%Y %H:%M"),
                       "C" if incoming else "D", kinds[kind], euro(amount), "EUR", states[state], partner])
    r.shuffle(tx[1:])
    tx.insert(500, ["OP", "C00001"])  # a row cut off
    write(f"{folder}/clients.csv", rows, ";", "utf-8-sig", "\r\n")
    write(f"{folder}/clients_nouveaux.csv", later, ";", "utf-8-sig", "\r\n")
    write(f"{folder}/operations.csv", tx, ";", end="\r\n")
    journey(assay, "french", folder, [f"{folder}/clients.csv", f"{folder}/operations.csv"],
            ["--score-customers", f"{folder}/clients_nouveaux.csv"], {
                "key": "N° client",
                "label": ["Statut du compte", "Clôturé pour fraude", "Actif", "Dormant"],
                "roles": {"key": "Référence opération", "customer": "N° client", "created": "Date opération",
                          "amount": "Montant", "state": "Statut", "currency": "Devise",
                          "pending": "[En attente]", "signed": None, "sides": None},
                "protected": {"Civilité": "gender", "Date de naissance": "age", "Groupe": "residence",
                              "Ville": "residence"},
                "leaks": ["Date de clôture"],
                "columns": {"Montant": ["type: decimal", 'decimal_mark: ","', 'thousands: " "', "scale: 2"],
                            "Date opération": ["format: day_month_year"],
                            "Date de naissance": ["format: day_month_year", "type: date"]},
                "profile": ["Offre", "Plafond"],
                "features": ["Sens = 'C'", "distinct(Contrepartie where money_in)"]}, truth)


def ledger(assay, folder):
    """Two sides in each row, epoch seconds, partners at other banks, accounts that pay themselves,
    a gender behind `x7`, a case number that only mules have."""
    r, all_people = people(12)
    ident = lambda p: str(700000 + p.number * 7)
    rows = [["acct", "opened_ts", "tier", "kyc_level", "birth_year", "x7", "case_ref", "mule_flag"]]
    later, truth = [["acct", "opened_ts", "tier", "kyc_level", "birth_year", "x7"]], {}
    for p in all_people:
        row = [ident(p), int((when(p.joined) - EPOCH).total_seconds()), r.choice(["basic", "plus", "gold"]),
               r.randrange(1, 4), p.born.year, "F" if p.female else "M"]
        if p.number < 400:
            rows.append(row + [f"CASE-{r.randrange(9999):04d}" if p.risky else "", int(p.risky)])
        else:
            later.append(row)
            truth[ident(p)] = p.risky
    tx = [["txn_ref", "from_acct", "to_acct", "amt", "booked_at"]]
    for p in all_people:
        for day, incoming, amount, kind, state, partner in p.events:
            if r.random() < 0.3:  # a partner of this bank
                partner = ident(r.choice(all_people))
            pair = [partner, ident(p)] if incoming else [ident(p), partner]
            tx.append([f"T{len(tx):07d}", *pair, f"{amount / 100:.2f}", int((when(day) - EPOCH).total_seconds())])
    write(f"{folder}/accounts.csv", rows)
    write(f"{folder}/new_accounts.csv", later)
    write(f"{folder}/transfers.csv", tx)
    journey(assay, "ledger", folder, [f"{folder}/accounts.csv", f"{folder}/transfers.csv"],
            ["--score-customers", f"{folder}/new_accounts.csv"], {
                "key": "acct", "label": ["mule_flag", "1", "0", None],
                "roles": {"key": "txn_ref", "sides": "{source: from_acct, target: to_acct}", "customer": None,
                          "created": "booked_at", "amount": "amt"},
                "protected": {"birth_year": "age", "x7": "gender"},
                "leaks": ["case_ref"],
                "columns": {"booked_at": ["type: time", "format: epoch"], "amt": ["type: decimal", "scale: 2"],
                            "opened_ts": ["format: epoch"]},
                "profile": ["tier", "kyc_level"],
                "features": ["distinct(partner where money_in within 7d)"]}, truth)


def german(assay, folder):
    """Debit and credit in two columns, points between thousands, days without an hour, J and N, a
    dunning level that only blocked accounts have."""
    r, all_people = people(13)
    euro = lambda c: f"{c // 100:,}".replace(",", ".") + f",{c % 100:02d}"
    ident = lambda p: f"{10020000 + p.number * 13}"
    rows = [["Kontonummer", "Geschlecht", "Geburtsdatum", "Staatsangehörigkeit", "Familienstand", "PLZ",
             "Kontomodell", "Dispo", "Mahnstufe", "gesperrt"]]
    later, truth = [rows[0][:8]], {}
    for p in all_people:
        row = [ident(p), "w" if p.female else "m", p.born.strftime("%d.%m.%Y"), p.country,
               r.choice(["ledig", "verheiratet", "geschieden"]), f"{r.choice([1067, 20095, 80331]):05d}",
               r.choice(["Giro", "GiroPlus"]), euro(r.randrange(0, 30) * 10000)]
        if p.number < 400:
            rows.append(row + [r.randrange(1, 4) if p.risky else 0, "J" if p.risky else "N"])
        else:
            later.append(row)
            truth[ident(p)] = p.risky
    kinds = {"transfer": "Überweisung", "card": "Kartenzahlung"}
    tx = [["Buchungsnummer", "Kontonummer", "Buchungstag", "Umsatzart", "Soll", "Haben", "Währung"]]
    for p in all_people:
        for day, incoming, amount, kind, state, partner in p.events:
            if state == "failed":
                continue
            tx.append([f"B{len(tx):08d}", ident(p), when(day).strftime("%d.%m.%Y"), kinds[kind],
                       "" if incoming else euro(amount), euro(amount) if incoming else "", "EUR"])
    write(f"{folder}/konten.csv", rows, ";")
    write(f"{folder}/neue_konten.csv", later, ";")
    write(f"{folder}/buchungen.csv", tx, ";")
    journey(assay, "german", folder, [f"{folder}/konten.csv", f"{folder}/buchungen.csv"],
            ["--score-customers", f"{folder}/neue_konten.csv"], {
                "key": "Kontonummer", "label": ["gesperrt", "J", "N", None],
                "roles": {"key": "Buchungsnummer", "customer": "Kontonummer", "created": "Buchungstag",
                          "amount": None, "debit": "Soll", "credit": "Haben", "currency": "Währung"},
                "protected": {"Geschlecht": "gender", "Geburtsdatum": "age", "Staatsangehörigkeit": "nationality",
                              "Familienstand": "marital_status", "PLZ": "residence"},
                "leaks": ["Mahnstufe"],
                "columns": {"Soll": ['decimal_mark: ","', 'thousands: "."', "scale: 2"],
                            "Haben": ['decimal_mark: ","', 'thousands: "."', "scale: 2"],
                            "Buchungstag": ["format: day_month_year", "type: time"]},
                "profile": ["Kontomodell", "Dispo"],
                "features": ["direction = 'IN'", "sum(amount where money_in)"]}, truth)


def spanish(assay, folder):
    """Tabs, six months side by side in the customers' file, a sign on the amount, no key of a
    movement, the day as 20230301."""
    r, all_people = people(14)
    ident = lambda p: f"ES-{p.number:06d}"
    rows = [["cliente_id", "sexo", "edad", "estado_civil", "producto"] + [f"saldo_{k}" for k in range(1, 7)] +
            ["impago"]]
    later, truth = [rows[0][:-1]], {}
    for p in all_people:
        level = r.lognormvariate(7.5, 1)
        months = [f"{level * r.uniform(0.1 if p.risky else 0.7, 1.3):.2f}" for _ in range(6)]
        row = [ident(p), "Mujer" if p.female else "Hombre", 2023 - p.born.year,
               r.choice(["soltero", "casado", "viudo"]), r.choice(["nomina", "joven", "pyme"])] + months
        if p.number < 400:
            rows.append(row + ["SI" if p.risky else "NO"])
        else:
            later.append(row)
            truth[ident(p)] = p.risky
    tx = [["cliente_id", "fecha", "concepto", "importe", "moneda"]]
    for p in all_people:
        for day, incoming, amount, kind, state, partner in p.events:
            if state == "done":
                tx.append([ident(p), when(day).strftime("%Y%m%d"),
                           {"transfer": "TRANSFERENCIA", "card": "COMPRA"}[kind],
                           f"{amount / 100 if incoming else -amount / 100:.2f}", "EUR"])
    write(f"{folder}/clientes.tsv", rows, "\t")
    write(f"{folder}/nuevos.tsv", later, "\t")
    write(f"{folder}/movimientos.tsv", tx, "\t")
    journey(assay, "spanish", folder, [f"{folder}/clientes.tsv", f"{folder}/movimientos.tsv"],
            ["--score-customers", f"{folder}/nuevos.tsv"], {
                "key": "cliente_id", "label": ["impago", "SI", "NO", None],
                "roles": {"key": None, "customer": "cliente_id", "created": "fecha", "amount": "importe",
                          "signed": "true", "currency": "moneda"},
                "protected": {"sexo": "gender", "edad": "age", "estado_civil": "marital_status"},
                "leaks": [],
                "columns": {"importe": ["type: decimal", "scale: 2"], "fecha": ["format: yyyymmdd"],
                            "saldo_3": ["type: decimal", "scale: 2"]},
                "profile": ["producto"],
                "features": ["series = 'SALDO'", "concepto = 'TRANSFERENCIA'"]}, truth)


def old(assay, folder):
    """Days as 230301, dates of birth too, a compressed file, times out of order, two extracts of
    transactions that overlap, a flag on transactions that only investigators set."""
    r, all_people = people(15)
    ident = lambda p: f"{p.number + 1}"
    rows = [["client_id", "birth_number", "district_id", "frequency", "bad_client"]]
    later, truth = [rows[0][:4]], {}
    for p in all_people:
        row = [ident(p), p.born.strftime("%y%m%d"), r.randrange(1, 78), r.choice(["MONTHLY", "WEEKLY"])]
        if p.number < 400:
            rows.append(row + ["Y" if p.risky else "N"])
        else:
            later.append(row)
            truth[ident(p)] = p.risky
    tx = []
    for p in all_people:
        for k, (day, incoming, amount, kind, state, partner) in enumerate(p.events):
            review = "Y" if p.risky and p.number < 400 and r.random() < 0.2 else "N"
            tx.append([len(tx) + 1, ident(p), when(day).strftime("%y%m%d"), "CREDIT" if incoming else "WITHDRAWAL",
                       kind.upper(), f"{amount / 100:.1f}", partner, review])
    r.shuffle(tx)
    head = ["trans_id", "client_id", "date", "type", "operation", "amount", "counterparty", "k_review"]
    half = len(tx) // 2
    write(f"{folder}/clients.csv", rows)
    write(f"{folder}/new_clients.csv", later)
    write(f"{folder}/trans_1.csv.gz", [head] + tx[:half + 100], opener=gzip.open)
    write(f"{folder}/trans_2.csv", [head] + tx[half:])
    journey(assay, "old", folder, [f"{folder}/clients.csv", f"{folder}/trans_1.csv.gz", f"{folder}/trans_2.csv"],
            ["--score-customers", f"{folder}/new_clients.csv"], {
                "key": "client_id", "label": ["bad_client", "Y", "N", None],
                "roles": {"key": "trans_id", "customer": "client_id", "created": "date", "amount": "amount"},
                "protected": {"birth_number": "age", "district_id": "residence"},
                "leaks": ["k_review"],
                "columns": {"date": ["format: yymmdd"], "birth_number": ["format: yymmdd", "type: date"],
                            "amount": ["scale: 1"]},
                "profile": ["frequency"],
                "features": ["type = 'CREDIT'", "type = 'WITHDRAWAL'"]}, truth)


def main():
    assay, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    for bank in (french, ledger, german, spanish, old):
        if len(sys.argv) > 3 and bank.__name__ not in sys.argv[3:]:
            continue
        folder = os.path.join(out, bank.__name__)
        subprocess.run(["rm", "-rf", folder], check=True)
        os.makedirs(folder)
        bank(assay, folder)
    print(f"{len(failures)} failures" if failures else "all banks made the whole way")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
