// @ts-check
// Sharing a run: its link, its command, and files.

const fileName = (ending) => `${machine.data.lifecycle}-run.${ending}`;

// A picture as a file of its own, with the colours and classes of this page.
function standAlone(picture) {
  const copy = picture.cloneNode(true);
  copy.setAttribute("xmlns", SVG);
  const styles = ["colours", "drawing"].map((id) => byId(id).textContent);
  copy.prepend(drawn("style", {}, styles.join("")));
  return `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(copy)}`;
}

function copyText(text, what) {
  const copied = navigator.clipboard
    ? navigator.clipboard.writeText(text)
    : Promise.reject(new Error("no clipboard"));
  copied.then(
    () => say(`${what} is copied.`),
    () => say("This browser does not let a page copy: select the text and copy it.", true),
  );
}

function sharedLine(id, label, text) {
  const field = inputById(id);
  field.value = text;
  byId(`${id}-copy`).onclick = () => copyText(text, label);
}

byId("csv").addEventListener("click", () => download(fileName("csv"), "text/csv", table(story)));
byId("timeline-svg").addEventListener("click", () =>
  download(fileName("timeline.svg"), "image/svg+xml", standAlone(timeline(columns()))),
);
byId("board-svg").addEventListener("click", () =>
  download(fileName("svg"), "image/svg+xml", standAlone(board)),
);

part(() => {
  if (view.tab !== SHARE_TAB) return;
  sharedLine(
    "link",
    "The link",
    `${location.href.replace(/#.*$/, "")}#${writeAddress(machine, view)}`,
  );
  sharedLine(
    "command",
    "The command",
    view.run.at ? command(machine, view.run, machine.data.lifecycles) : "",
  );
});
