// The list of servers: those that match, of many the first ones.

const wanted = { text: "", state: "", gone: false };

function matches(server) {
  return (
    (!server.gone || wanted.gone || wanted.state === server.state.name) &&
    (!wanted.state || server.state.name === wanted.state) &&
    (!wanted.text || server.key.includes(wanted.text))
  );
}

function search() {
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
  setText(pair, server.state.name);
  setText(hung, server.hangs ? " hangs" : "");
  setText(third, server.operation ?? "–");
}

function tellFound(shown, more) {
  const gone = present.gone ? `, ${present.gone} gone` : "";
  const all = `${present.here} there${gone}.`;
  if (!servers.size)
    return "There is none yet: let a client create one at the address of this page.";
  if (more) return `The first ${shown} that match, and ${more} more; ${all}`;
  return `${shown} that match; ${all}`;
}

function showStates() {
  const states = STATES.filter(
    (state) => counts.get(state).here || state.name === wanted.state || (state.over && present.gone),
  );
  const options = hold(byId("state"), ["", ...states.map(({ name }) => name)], (name) =>
    element("option", { value: name }, name || "any"),
  );
  for (const state of states) {
    const number = state.over ? present.gone : counts.get(state).here;
    setText(options.get(state.name), `${state.name} (${number})`);
  }
  byId("state").value = wanted.state;
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
  setText(byId("found"), tellFound(found.length, more));
  showStates();
});

function filterState(state) {
  wanted.state = wanted.state === state.name ? "" : state.name;
  changed();
}

byId("list").addEventListener("click", ({ target }) => {
  const row = target.closest("tr");
  if (row) choose(row.dataset.server);
});
byId("filter").addEventListener("input", ({ target }) => {
  wanted.text = target.value.trim().toLowerCase();
  changed();
});
byId("state").addEventListener("change", ({ target }) => {
  wanted.state = target.value;
  changed();
});
byId("deleted").addEventListener("change", ({ target }) => {
  wanted.gone = target.checked;
  changed();
});
