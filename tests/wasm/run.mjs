// Runs tests on the Python of browsers: node run.mjs PARTS SITE-PACKAGES PROJECT
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [parts, site, project] = process.argv.slice(2);
const engine = path.join(parts, "node_modules", "pyodide", "pyodide.mjs");
const { loadPyodide } = await import(pathToFileURL(engine).href);
const python = await loadPyodide();
for (const [place, root] of [["/site", site], ["/project", project]]) {
  python.FS.mkdir(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, place);
}
for (const wheel of fs.readdirSync(parts).filter(name => name.endsWith(".whl"))) {
  python.unpackArchive(new Uint8Array(fs.readFileSync(path.join(parts, wheel))), "wheel");
}
python.FS.chdir("/project");
python.runPython("import sys; sys.path[:0] = ['/project']; sys.path.append('/site')");
process.exit(python.runPython("from tests.wasm import tests; tests.run()"));
