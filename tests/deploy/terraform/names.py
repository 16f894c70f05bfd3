#!/usr/bin/env python3
"""names.py FOLDER - variables, locals and module outputs below FOLDER that nobody uses, one a line; exit code 1 if any.

An output counts as used where the environment hands it on or another module is given it.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
unused = []
text_of = {folder: "\n".join(re.sub(r"^\s*#.*$", "", file.read_text(), flags=re.M) for file in sorted(folder.glob("*.tf")))
           for folder in {file.parent for file in root.rglob("*.tf")}}
whole = "\n".join(text_of.values())
for folder, text in sorted(text_of.items()):
    for name in re.findall(r'^variable "(\w+)"', text, flags=re.M):
        # Its own validation is no use of it.
        outside = re.sub(r'^variable "\w+" \{.*?^\}', "", text, flags=re.M | re.S)
        if not re.search(rf"\bvar\.{name}\b", outside):
            unused.append(f"{folder.relative_to(root)}: variable {name} is not used")
    for block in re.findall(r"^locals \{(.*?)^\}", text, flags=re.M | re.S):
        for name in re.findall(r"^  (\w+)\s*=", block, flags=re.M):
            if not re.search(rf"\blocal\.{name}\b", text):
                unused.append(f"{folder.relative_to(root)}: local {name} is not used")
    if folder.parent.name == "modules":
        for name in re.findall(r'^output "(\w+)"', text, flags=re.M):
            if not re.search(rf"\bmodule\.\w+\.{name}\b", whole):
                unused.append(f"{folder.relative_to(root)}: output {name} is not used")
print("\n".join(unused))
sys.exit(1 if unused else 0)
