// Begins: shows what the address says, and follows it.

const THEMES = ["light", "dark"];
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const now = root.dataset.theme ?? THEMES[Number(prefersDark.matches)];
  root.dataset.theme = THEMES[1 - THEMES.indexOf(now)];
  say(`The page is ${root.dataset.theme} now.`);
});
byId("print").addEventListener("click", () => print());
addEventListener("popstate", readLocation);
readLocation();
// For a teacher's own scripts, and for tests: the interpreter, and how a run is told.
globalThis.explorer = { machine, Story, newRun, scenario, command, table, chosenQuestions, readAddress: (text) => readAddress(machine, CONTENT, text), tellRefusal, tellUnknown };
