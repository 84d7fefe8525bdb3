// Begins: shows what the address says, and follows it.

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

byId("theme").addEventListener("click", () => {
  const theme = THEMES[1 - THEMES.indexOf(view.theme ?? THEMES[Number(prefersDark.matches)])];
  change({ theme });
  say(`The page is ${theme} now.`);
});
part(() => {
  if (view.theme) document.documentElement.dataset.theme = view.theme;
  else delete document.documentElement.dataset.theme;
});
byId("print").addEventListener("click", () => print());
addEventListener("popstate", readLocation);
readLocation();
// For a teacher's own scripts, and for tests: the interpreter, and how a run is told.
globalThis.explorer = {
  machine,
  ask,
  Story,
  newRun,
  scenario,
  command,
  table,
  chosenQuestions,
  readAddress: (text) => readAddress(machine, CONTENT, text),
  tellRefusal,
  tellUnknown,
};
performance.mark("ready");
