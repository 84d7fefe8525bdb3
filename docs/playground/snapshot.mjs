// Writes the memory of a Python that has imported the package: node snapshot.mjs FOLDER
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { fill } from "./files.mjs";

const folder = path.resolve(process.argv[2]);
const { loadPyodide } = await import(pathToFileURL(path.join(folder, "pyodide.mjs")).href);
const python = await loadPyodide({ indexURL: `${folder}/`, _makeSnapshot: true });
await fill(python, name => new Uint8Array(fs.readFileSync(path.join(folder, name))));
python.runPython(`
import sys
sys.path[:0] = ["/packages", "/packages/others.zip"]
import playground_prompts
playground_prompts.command("simulate create stop")
`);
fs.writeFileSync(path.join(folder, "memory.bin"), gzipSync(python.makeMemorySnapshot()));
