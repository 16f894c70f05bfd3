// The admission policy's own expressions, evaluated on documents as an API server would: does it let in what is named by
// digest, and say what is not?
import { isCelError, run } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { called, containersOf, podOf } from "./documents.mjs";

const evaluate = (expression, bindings) => {
  const value = run(expression, bindings, { funcs: strings });
  if (isCelError(value)) throw new Error(`${expression}: ${value.message ?? value}`);
  return value;
};
const asMap = (value) => Array.isArray(value) ? value.map(asMap)
  : value && typeof value === "object" && value.constructor === Object
    ? new Map(Object.entries(value).map(([key, inner]) => [key, asMap(inner)])) : value;

// What the policy says against a document, or undefined.
export function refusal(policy, document) {
  const object = asMap(document), variables = new Map();
  for (const { name, expression } of policy.spec.variables) variables.set(name, evaluate(expression, { object, variables }));
  for (const { expression, messageExpression } of policy.spec.validations)
    if (evaluate(expression, { object, variables }) !== true) return evaluate(messageExpression, { object, variables });
  return undefined;
}

export function admission(documents) {
  const policy = documents.find((d) => d.kind === "ValidatingAdmissionPolicy");
  if (!policy) return [];
  const wrong = [], digest = `@sha256:${"0a".repeat(32)}`;
  const plural = { Deployment: "deployments", Job: "jobs", CronJob: "cronjobs" };
  const looksAt = policy.spec.matchConstraints.resourceRules.flatMap((rule) => rule.resources);
  for (const d of documents.filter(podOf)) {
    if (!looksAt.includes(plural[d.kind])) wrong.push(`${called(d)}: the policy does not look at it`);
    const pinned = structuredClone(d);
    for (const c of containersOf(podOf(pinned))) c.image = `europe-west9-docker.pkg.dev/p/assay/${c.image}${digest}`;
    const said = refusal(policy, pinned);
    if (said !== undefined) wrong.push(`${called(d)}: refused though all is named by digest: ${said}`);
    for (const c of containersOf(podOf(pinned))) {
      const whole = c.image;
      c.image = whole.replace(digest, ":latest");
      if (!refusal(policy, pinned)?.includes(c.image)) wrong.push(`${called(d)}: ${c.name} by a tag is let in, or not named`);
      c.image = whole;
    }
  }
  return wrong;
}
