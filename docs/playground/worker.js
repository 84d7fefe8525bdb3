// Python in a thread of its own: it answers one question after the other.
import { FILES, fill } from "./files.mjs";
import { loadPyodide } from "./pyodide.mjs";

const here = new URL("./", import.meta.url).href;
const bytes = async name => new Uint8Array(await (await fetch(here + name)).arrayBuffer());

/** Python's memory with the package imported. */
async function memory() {
  const { body } = await fetch(`${here}memory.bin`);
  return new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function load() {
  const early = new Map(FILES.map(name => [name, bytes(name)]));
  try {
    const python = await loadPyodide({ indexURL: here, _loadSnapshot: memory() });
    await fill(python, name => early.get(name));
    python.pyimport("playground_prompts");
    return python;
  } catch {
    // Another engine than the one that made the memory may place functions otherwise.
    const python = await loadPyodide({ indexURL: here });
    await fill(python, name => early.get(name));
    python.runPython("import sys; sys.path[:0] = ['/packages', '/packages/others.zip']");
    return python;
  }
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
