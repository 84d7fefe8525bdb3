// Compiles the packages, and writes the memory of a Python with the package imported:
// node snapshot.mjs FOLDER
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { fill } from "./files.mjs";

const folder = path.resolve(process.argv[2]);
const { loadPyodide } = await import(pathToFileURL(path.join(folder, "pyodide.mjs")).href);
const options = { indexURL: `${folder}/` };
const read = name => new Uint8Array(fs.readFileSync(path.join(folder, name)));

const compiler = await loadPyodide(options);
compiler.runPython(fs.readFileSync(new URL("compile.py", import.meta.url), "utf-8"));
for (const [name, unpacked] of [["ecs_fsm.zip", "True"], ["others.zip", "False"]]) {
  compiler.FS.writeFile(name, read(name));
  compiler.runPython(`compile_archive("${name}", ${unpacked})`);
  fs.writeFileSync(path.join(folder, name), compiler.FS.readFile(name));
}

const python = await loadPyodide({ ...options, _makeSnapshot: true });
await fill(python, read);
python.runPython(`
import sys
sys.path[:0] = ["/packages", "/packages/others.zip"]
import playground_prompts
playground_prompts.command("simulate create stop")
`);
fs.writeFileSync(path.join(folder, "memory.bin"), gzipSync(python.makeMemorySnapshot()));
