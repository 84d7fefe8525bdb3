// @ts-check
// Starts the page: the colours, the server that the address names, and the stream of changes.

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const shown = root.dataset.theme ?? THEMES[Number(prefersDark.matches)];
  root.dataset.theme = THEMES[1 - THEMES.indexOf(shown)];
});
addEventListener("hashchange", () => choose(location.hash.slice(1) || null));
choose(location.hash.slice(1) || null);
wholeRead.push(readDetail, readFaults, readAround);
connect();
