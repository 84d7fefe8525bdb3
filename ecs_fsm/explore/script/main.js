// @ts-check
// Starts the page: shows what the address says, and follows it.

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
// For scripts of teachers and for tests: the interpreter, and the texts of a run.
globalThis.explorer = {
  machine,
  fire,
  Story,
  newRun,
  scenario,
  command,
  table,
  get state() {
    return story.state?.name ?? null;
  },
  get bank() {
    return questionBank();
  },
  chosenQuestions,
  fittingQuestions,
  readAddress: (text) => readAddress(machine, CONTENT, text),
  refusalText,
  unknownFactText,
};
performance.mark("ready");
