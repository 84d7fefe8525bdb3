// @ts-check
// The list of servers: the first of those that match the filter.

const filter = { text: "", state: "", gone: false };

/** @param {LiveServer} server */
function matches(server) {
  return (
    (!server.gone || filter.gone || filter.state === server.state.name) &&
    (!filter.state || server.state.name === filter.state) &&
    (!filter.text || server.key.includes(filter.text))
  );
}

/** @returns {[LiveServer[], number]} */
function search() {
  /** @type {LiveServer[]} */
  const found = [];
  let more = 0;
  for (const server of servers.values()) {
    if (!matches(server)) continue;
    if (found.length < MOST_LISTED) found.push(server);
    else more += 1;
  }
  return [found, more];
}

function makeRow(id) {
  return element(
    "tr",
    { "data-server": id },
    element("td", {}, button("", () => {}, { class: "name" }), element("code", {}, id.slice(0, 8))),
    element("td", {}, element("span"), " ", element("span", { class: "pair" }), element("b")),
    element("td"),
  );
}

const toneClass = ({ tone }) => `tag tone-${tone}`;
const nameOf = ({ name }) => name || "(no name)";

function writeRow(row, server) {
  const [first, second, third] = row.children;
  setText(first.firstChild, nameOf(server));
  first.firstChild.setAttribute("aria-pressed", String(server.id === chosen));
  row.classList.toggle("chosen", server.id === chosen);
  const [tag, , pair, hung] = second.childNodes;
  tag.className = toneClass(server.state);
  setText(tag, server.state.status);
  if (pair.textContent !== server.state.name) pair.replaceChildren(...inParts(server.state.name));
  setText(hung, server.hangs ? " hangs" : "");
  setText(third, server.operation ?? "–");
}

function foundText(shown, more) {
  const gone = present.gone ? `, ${present.gone} gone` : "";
  const all = `${present.here} exist${gone}.`;
  if (!servers.size)
    return "There are no servers yet. A client can create one at the address of this page.";
  if (more) return `${shown} shown of ${shown + more} that match; ${all}`;
  return `${shown} match; ${all}`;
}

function showStates() {
  const states = STATES.filter(
    (state) => countAt(state).here || state.name === filter.state || (state.over && present.gone),
  );
  const options = hold(byId("state"), ["", ...states.map(({ name }) => name)], (name) =>
    element("option", { value: name }, name || "any"),
  );
  for (const state of states) {
    const number = state.over ? present.gone : countAt(state).here;
    setText(options.get(state.name), `${state.name} (${number})`);
  }
  inputById("state").value = filter.state;
}

let rowsBefore = new Map();

part((now) => {
  const [found, more] = search();
  const rows = hold(byId("list"), found.map(({ id }) => id), makeRow);
  for (const server of found) {
    const row = rows.get(server.id);
    if (now.has(server) || rowsBefore.get(server.id) !== row) writeRow(row, server);
  }
  rowsBefore = rows;
  setText(byId("found"), foundText(found.length, more));
  showStates();
});

function filterState(state) {
  filter.state = filter.state === state.name ? "" : state.name;
  changed();
}

byId("list").addEventListener("click", ({ target }) => {
  const row = closest(target, "tr");
  if (row) choose(row.dataset.server ?? null);
});
byId("filter").addEventListener("input", () => {
  filter.text = inputById("filter").value.trim().toLowerCase();
  changed();
});
byId("state").addEventListener("change", () => {
  filter.state = inputById("state").value;
  changed();
});
byId("deleted").addEventListener("change", () => {
  filter.gone = inputById("deleted").checked;
  changed();
});
