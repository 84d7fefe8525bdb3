// Reads Mermaid texts, a JSON array on standard input, and prints what Mermaid's own parser says of each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const installed = createRequire(`${process.argv[2]}/`);
const { JSDOM } = installed("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(installed.resolve("mermaid")));
const verdicts = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    verdicts.push((await mermaid.parse(text)).diagramType);
  } catch (error) {
    verdicts.push(String(error.message));
  }
}
console.log(JSON.stringify(verdicts));
