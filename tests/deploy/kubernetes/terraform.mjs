// Does Terraform make what the manifests name? Its files are read as text: what a literal there names, and no more.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { called, podOf } from "./documents.mjs";

export function terraformText(folder) {
  if (!existsSync(folder)) return undefined;
  const read = (path) => statSync(path).isDirectory()
    ? readdirSync(path).filter((name) => !name.startsWith(".") && name !== "tests").map((name) => read(join(path, name))).join("\n")
    : /\.tf$/.test(path) ? readFileSync(path, "utf8") : "";
  return read(folder);
}

// How long logs are kept is said by Terraform, and repeated by these pages: { file: text } of them.
export function retention(environments, pages) {
  const days = Object.entries(environments).map(([name, text]) => [name, /predictions\s*=\s*(\d+)/.exec(text)?.[1]]);
  const says = `(${days.map(([name, n], i) => (i === 0 ? `${name} ${n} days` : `${name} ${n}`)).join(", ")})`;
  return Object.entries(pages).filter(([, text]) => !text.includes(says)).map(([file]) => `${file} does not say ${says}`);
}

export function madeByTerraform(documents, text, { project, storeRange }) {
  const wrong = [];
  const has = (pattern, words) => {
    if (!pattern.test(text)) wrong.push(words);
  };
  const literal = (value) => new RegExp(`["\\s]${value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}["\\s]`);
  for (const d of documents) {
    if (d.kind === "ServiceAccount") {
      const short = d.metadata.name.replace(/^assay-/, "");
      has(new RegExp(`account_id\\s*=\\s*"${d.metadata.name}"|^\\s*${short}\\s*=\\s*"[^"]+"$[\\s\\S]*account_id\\s*=\\s*"assay-\\$\\{each\\.key\\}"`, "m"),
        `${called(d)}: Terraform makes no Google account ${d.metadata.name}`);
    }
    if (d.kind === "SecretProviderClass")
      for (const secret of parse(d.spec.parameters.secrets)) {
        const found = /^projects\/([^/]+)\/secrets\/([^/]+)\/versions\/latest$/.exec(secret.resourceName);
        if (!found || found[1] !== project) wrong.push(`${called(d)}: ${secret.resourceName} is no secret of ${project}`);
        else has(literal(found[2]), `${called(d)}: Terraform makes no secret ${found[2]}`);
      }
    if (podOf(d))
      for (const name of JSON.stringify(d).match(/\bassay-(?:dev|staging|prod)-assay-[a-z]+/g) ?? []) {
        const short = name.replace(`${project}-assay-`, "");
        has(new RegExp(`^\\s*"?${short}"?\\s*=\\s*\\{|-assay-${short}"`, "m"), `${called(d)}: Terraform makes no bucket ${name}`);
      }
    if (d.kind === "Gateway") {
      for (const address of d.spec.addresses) has(literal(address.value), `${called(d)}: Terraform makes no address ${address.value}`);
      has(/google_certificate_manager_certificate_map" "\w+" \{[^}]*name\s*=\s*"assay"/,
        `${called(d)}: Terraform makes no certificate map ${d.metadata.annotations["networking.gke.io/certmap"]}`);
    }
    if (d.kind === "GCPGatewayPolicy") has(literal(d.spec.default.sslPolicy), `${called(d)}: Terraform makes no TLS policy ${d.spec.default.sslPolicy}`);
    if (d.kind === "GCPBackendPolicy") has(literal(d.spec.default.securityPolicy), `${called(d)}: Terraform makes no Cloud Armor policy ${d.spec.default.securityPolicy}`);
    if (d.kind === "NetworkPolicy" && d.metadata.name === "store")
      has(literal(storeRange), `${called(d)}: Terraform gives the store no range ${storeRange}`);
    if (d.kind === "NetworkPolicy" && JSON.stringify(d).includes("199.36.153.8/30"))
      has(/199\.36\.153\.8/, `${called(d)}: no private zone of Terraform's leads googleapis.com to 199.36.153.8`);
    if (d.kind === "ConfigMap" && d.data?.["vector.yaml"])
      for (const { type, topic } of Object.values(parse(d.data["vector.yaml"]).sinks))
        if (type === "gcp_pubsub") {
          has(literal(topic), `${called(d)}: Terraform makes no topic ${topic}`);
          has(new RegExp(`topic\\s*=\\s*"${topic}",\\s*member\\s*=\\s*"serviceAccount:\\$\\{module\\.iam\\.accounts\\["serve"\\]\\}"`),
            `${called(d)}: Terraform lets assay-serve not publish to ${topic}`);
        }
    if (d.kind === "ConfigMap" && d.data?.["serve.yaml"]) {
      const settings = parse(d.data["serve.yaml"]);
      const push = settings.pubsub?.email?.split("@")[0];
      if (push) has(literal(push), `${called(d)}: Terraform makes no account ${push} that pushes`);
      if (String(settings.store).startsWith("postgresql:"))
        has(/"assay\.internal\."/, `${called(d)}: no zone of Terraform's names the store`);
    }
  }
  return wrong;
}
