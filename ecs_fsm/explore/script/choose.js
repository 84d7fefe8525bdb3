// The dialog that asks: which fact goes with an event, or which of several events was meant.

function openChoice(title, explanation, rows, accept, label) {
  const dialog = byId("choose");
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "choose-title" }, title),
    explanation ? element("p", {}, explanation) : null,
    ...rows,
    element(
      "p",
      { class: "buttons" },
      element("button", { class: "main" }, label),
      button("Cancel", () => dialog.close()),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    accept();
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}

function factRow(fact, chosen, choose) {
  const options = fact.values.map((value) =>
    element(
      "label",
      { class: "option" },
      element("input", {
        type: "radio",
        name: fact.name,
        value,
        checked: value === chosen,
        onchange: () => choose(value),
      }),
      value,
    ),
  );
  return element(
    "fieldset",
    {},
    element("legend", {}, fact.name),
    element("p", {}, fact.meaning),
    ...options,
  );
}

function chooseFacts(trigger) {
  const given = {};
  const rows = machine.matters(trigger, story.node).map((name) => {
    const fact = machine.facts.get(name);
    const usual = trigger.given[name] ?? machine.value(name, story.node?.facts ?? {}) ?? null;
    return factRow(fact, usual, (value) => {
      given[name] = value;
    });
  });
  openChoice(`${trigger.name} with …`, trigger.meaning, rows, () => ask(trigger, given), "Do it");
}

// A fact that an event depends on and that nobody said: with the event, or of the server at the
// beginning of the run.
function chooseUnknown(trigger, fact, given) {
  const told = tellUnknown(fact, trigger, story.node);
  const { from } = view.run;
  say(told, true);
  if (!(fact.name in trigger.given) && !from?.state.kept.has(fact.name)) return;
  let value = fact.values[0];
  const row = factRow(fact, value, (chosen) => {
    value = chosen;
  });
  openChoice(
    "One thing must be said",
    told,
    [row],
    () => {
      if (fact.name in trigger.given) return ask(trigger, { ...given, [fact.name]: value });
      const facts = { ...from.facts, [fact.name]: value };
      change({ run: { ...view.run, from: { ...from, facts } } }, true);
      return ask(trigger, given);
    },
    "Say so",
  );
}

function chooseTrigger(triggers) {
  let chosen = triggers[0];
  const options = triggers.map((trigger) =>
    element(
      "label",
      { class: "option" },
      element("input", {
        type: "radio",
        name: "trigger",
        checked: trigger === chosen,
        onchange: () => {
          chosen = trigger;
        },
      }),
      element("span", {}, element("b", {}, trigger.name), ` ${trigger.meaning}`),
    ),
  );
  const row = element(
    "fieldset",
    {},
    element("legend", {}, "This arrow stands for several"),
    ...options,
  );
  openChoice("Which one?", "", [row], () => ask(chosen), "Do it");
}
