// @ts-check
// The dialog: which fact is given with a trigger, or which of several triggers is meant.

function openChoice(title, explanation, rows, accept, label) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("choose"));
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

/** @param {Trigger} trigger */
function chooseFacts(trigger) {
  /** @type {Facts} */
  const given = {};
  const rows = machine.matters(trigger, story.node).map((name) => {
    const fact = machine.fact(name);
    const usual = trigger.given[name] ?? machine.value(name, story.node?.facts ?? {}) ?? null;
    return factRow(fact, usual, (value) => {
      given[name] = value;
    });
  });
  openChoice(`${trigger.name} with …`, trigger.meaning, rows, () => fire(trigger, given), "Do it");
}

// Asks for the value of a fact that a trigger depends on: it is given with the trigger, or
// remembered by the server from the start of the run.
/** @param {Trigger} trigger @param {Fact} fact @param {Facts} given */
function chooseUnknown(trigger, fact, given) {
  const text = unknownFactText(fact, trigger, story.node);
  const { from } = view.run;
  say(text, true);
  if (!(fact.name in trigger.given) && !from?.state.kept.has(fact.name)) return;
  let value = fact.values[0];
  const row = factRow(fact, value, (chosen) => {
    value = chosen;
  });
  openChoice(
    "A fact is missing",
    text,
    [row],
    () => {
      if (fact.name in trigger.given) return fire(trigger, { ...given, [fact.name]: value });
      if (from) {
        const facts = { ...from.facts, [fact.name]: value };
        change({ run: { ...view.run, from: { ...from, facts } } }, true);
      }
      return fire(trigger, given);
    },
    "Use it",
  );
}

/** @param {Trigger[]} triggers */
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
    element("legend", {}, "This arrow stands for several triggers"),
    ...options,
  );
  openChoice("Which one?", "", [row], () => fire(chosen), "Do it");
}
