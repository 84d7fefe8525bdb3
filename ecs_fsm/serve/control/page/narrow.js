// @ts-check
// The picture on a narrow screen: the states in which servers are, one below the other by vm_state.

function makePlace(key) {
  const state = stateNamed.get(key);
  if (!state) return element("li", { class: "head" }, key);
  const press = button("", () => filterState(state), { "aria-pressed": "false" });
  const name = state.task_state ?? (state.rests ? "at rest" : "no task");
  const tag = element("span", { class: toneClass(state) }, state.status);
  press.append(tag, element("span", {}, inParts(name)), element("b"));
  return element("li", {}, press, element("small"));
}

function namesIn(state) {
  if (present.here > MOST_NAMED) return "";
  const here = [...servers.values()].filter((server) => server.state === state && !server.gone);
  return here.map(nameOf).join(", ");
}

part(() => {
  const seen = STATES.filter((state) => isHere({ state }));
  const keys = seen.flatMap(({ vm_state, name }) => [vm_state, name]);
  const places = hold(byId("places"), [...new Set(keys)], makePlace);
  for (const state of seen) {
    const [press, names] = places.get(state.name).children;
    press.setAttribute("aria-pressed", String(filter.state === state.name));
    setText(press.lastChild, countText(countAt(state)) || String(present.gone));
    setText(names, namesIn(state));
  }
});
