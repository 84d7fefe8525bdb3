// The files of Python: a snapshot holds its memory, not these.
export const FILES = ["ecs_fsm.zip", "others.zip", "prompts.py"];

/** Put them into their places; `bytes` returns what a file holds. */
export async function fill(python, bytes) {
  const [own, others, prompts] = await Promise.all(FILES.map(bytes));
  python.unpackArchive(own, "zip", { extractDir: "/packages" });
  python.FS.writeFile("/packages/others.zip", others);
  python.FS.writeFile("/packages/playground_prompts.py", prompts);
  python.FS.chdir("/home/pyodide");
}
