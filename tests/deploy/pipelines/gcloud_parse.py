"""Google's own readers of Cloud Build and Cloud Deploy files, where gcloud is here: what `gcloud builds submit` and
`gcloud deploy apply` do before they call anybody. Run by the Python that gcloud brings:

    python3 gcloud_parse.py SDK LIST     LIST: JSON of [{label, kind, path}]; prints JSON of [{label, problem}]
"""

import json
import os
import sys

sdk, listed = sys.argv[1:]
sys.path[:0] = [os.path.join(sdk, "lib"), os.path.join(sdk, "lib", "third_party")]

from googlecloudsdk.api_lib.cloudbuild import cloudbuild_util, config  # noqa: E402
from googlecloudsdk.api_lib.util import apis  # noqa: E402
from googlecloudsdk.command_lib.deploy import manifest_util  # noqa: E402
from googlecloudsdk.core import properties, yaml  # noqa: E402

properties.VALUES.core.project.Set("assay-test")
found = []
with open(listed, encoding="utf-8") as f:
    files = json.load(f)
for file in files:
    try:
        if file["kind"] == "build":
            config.LoadCloudbuildConfigFromPath(file["path"], cloudbuild_util.GetMessagesModule())
        elif file["kind"] == "deploy":
            messages = apis.GetMessagesModule("clouddeploy", "v1")
            manifest_util.ParseDeployConfig(messages, list(yaml.load_all_path(file["path"])), "europe-west9")
    except Exception as error:  # noqa: BLE001 - whatever it is, the file is not read
        found.append({"label": file["label"], "problem": f"gcloud: {error}"})
print(json.dumps(found))
