// Python in a thread of its own: it answers one question after the other.
import { loadPyodide } from "./pyodide.mjs";

const here = new URL("./", import.meta.url).href;
const bytes = async name => new Uint8Array(await (await fetch(here + name)).arrayBuffer());

async function load() {
  const [own, others] = [bytes("ecs_fsm.zip"), bytes("others.zip")];
  const source = bytes("prompts.py");
  const python = await loadPyodide({ indexURL: here });
  python.unpackArchive(await own, "zip", { extractDir: "/packages" });
  python.FS.writeFile("/packages/others.zip", await others);
  python.FS.writeFile("/packages/playground_prompts.py", await source);
  python.FS.chdir("/home/pyodide");
  python.runPython("import sys; sys.path[:0] = ['/packages', '/packages/others.zip']");
  return python;
}

/** Answer what came while this was fetched, and what comes. */
export async function begin(early) {
  const loading = load();
  const take = async ({ data }) => answer(await loading, data);
  self.onmessage = take;
  early.forEach(take);
  try {
    postMessage({ ready: (await loading).pyimport("playground_prompts").ready() });
  } catch (error) {
    postMessage({ broken: String(error) });
  }
}

function answer(python, { file, bytes, prompt, text }) {
  if (file) {
    python.FS.writeFile(file, bytes);
  } else {
    postMessage({ answer: JSON.parse(python.pyimport("playground_prompts")[prompt](text)) });
  }
}
