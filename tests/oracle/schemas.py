"""The default books against the JSON Schemas that the program prints of its own field tables,
and books with mistakes, which the schemas must refuse as the program does."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

assay = sys.argv[1]
spec = Path(__file__).parents[2] / "spec"


def schema(book):
    text = subprocess.run([assay, "check", "--json-schema", book], check=True, capture_output=True).stdout
    read = json.loads(text)
    Draft202012Validator.check_schema(read)
    return Draft202012Validator(read)


def refused(program_book, book):
    """Does the program refuse the book too?"""
    path = Path(sys.argv[2]) / f"{program_book}.yaml"
    path.write_text(yaml.safe_dump(book, sort_keys=False, allow_unicode=True))
    done = subprocess.run([assay, "check", f"--{program_book}", str(path)], capture_output=True)
    return done.returncode == 1


def without(book, *path):
    changed = copy.deepcopy(book)
    at = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return changed


def changed(book, value, *path):
    other = copy.deepcopy(book)
    at = other
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return other


books = {name: yaml.safe_load((spec / f"{name}.yaml").read_text()) for name in ("schema", "features", "policy")}
mistakes = {
    "schema": [
        without(books["schema"], "currency"),
        without(books["schema"], "customers", "key"),
        changed(books["schema"], "user_id", "customers", "kay"),
        changed(books["schema"], "timestamp", "customers", "columns", 0, "type"),
        changed(books["schema"], [], "transactions", "columns"),
        changed(books["schema"], {"one": 1}, "transactions", "pending"),
    ],
    "features": [
        without(books["features"], "version"),
        without(books["features"], "features", 3, "expr"),
        changed(books["features"], "modell", "features", 0, "use"),
        changed(books["features"], "3d", "features", 0, "ovr"),
        changed(books["features"], "one", "version"),
        changed(books["features"], ["a"], "define"),
        changed(books["features"], {"a": ["b"]}, "define"),
        changed(books["features"], "", "features", 0, "says"),
        changed(books["features"], None, "features", 0, "risk"),
    ],
    "policy": [
        without(books["policy"], "rules"),
        without(books["policy"], "rules", 0, "when"),
        changed(books["policy"], "grave", "rules", 0, "severity"),
        changed(books["policy"], "much", "costs", next(iter(books["policy"]["costs"]))),
        changed(books["policy"], "BAN", "actions", 0, "action"),
    ],
}
bad = 0
for name, book in books.items():
    validator = schema(name)
    for error in validator.iter_errors(book):
        print(f"spec/{name}.yaml at {list(error.absolute_path)}: {error.message}")
        bad += 1
    for i, mistake in enumerate(mistakes[name]):
        by_schema, by_program = not validator.is_valid(mistake), refused(name, mistake)
        if not (by_schema and by_program):
            print(f"{name}, mistake {i}: refused by the schema: {by_schema}, by the program: {by_program}")
            bad += 1
    if refused(name, book):
        print(f"{name}: the program refuses the good book written by another YAML library")
        bad += 1
print(f"{sum(map(len, mistakes.values()))} mistakes and {len(books)} good books, {bad} wrong")
sys.exit(bad > 0)
