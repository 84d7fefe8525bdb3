// @ts-check
// The buttons for requests and events. A button whose trigger is impossible now stays in place, and
// says why when it is pressed.

/** @param {Trigger} trigger */
function triggerButton(trigger) {
  const press = button(trigger.name, () => fire(trigger), {
    class: `trigger ${trigger.kind}`,
    "data-name": trigger.name,
  });
  const facts = Object.keys(trigger.given).length
    ? button("…", () => chooseFacts(trigger), {
        class: "with",
        "aria-label": `${trigger.name} with …`,
      })
    : null;
  return { trigger, press, facts, group: element("span", { class: "with-facts" }, press, facts) };
}

const requestButtons = machine.triggers.filter(({ kind }) => kind === KIND.request).map(triggerButton);
const eventButtons = machine.triggers
  .filter((trigger) => trigger.kind !== KIND.request && trigger !== machine.onward)
  .map(triggerButton);
const many = requestButtons.length > MANY_REQUESTS;
const showsRefused = () => view.refused ?? !(many || upright.matches);

byId("requests").append(...requestButtons.map(({ group }) => group));
byId("events").append(...eventButtons.map(({ group }) => group));
byId("refused-too").addEventListener("click", () => change({ refused: !showsRefused() }));

// Why a trigger is refused stands in the bar for a pointer, the focus and a tap alike.
function explainRefused({ target }) {
  const pressed = closest(target, "[data-name][aria-disabled=true]");
  const trigger = pressed && machine.triggerNamed.get(pressed.dataset.name ?? "");
  const why = trigger ? story.obstacle(trigger) : null;
  if (trigger && why !== null) say(`⊘ ${trigger.name}: ${why}`, true);
}
for (const kind of ["pointerover", "focusin"])
  byId("controls").addEventListener(kind, explainRefused);

function setPossible(press, possible) {
  press.setAttribute("aria-disabled", String(!possible));
}

function showTrigger({ trigger, press, facts, group }) {
  const possible = story.obstacle(trigger) === null;
  setPossible(press, possible);
  if (facts) facts.hidden = !possible || !machine.matters(trigger, story.node).length;
  if (trigger.kind === KIND.request || many || upright.matches)
    group.hidden = !possible && !showsRefused();
}

function hang() {
  if (!story.running) return say(story.hung ? HANGING : "Only a running step can hang.", true);
  return add({ hang: true });
}

function move(at) {
  pause();
  change({ run: { ...view.run, at } });
  say(
    story.node
      ? `Now at event ${at} of ${view.run.events.length}: ${nowText()}.`
      : "Before the first event.",
  );
}

const steps = {
  next: () => {
    pause();
    next();
  },
  play: () => {
    if (ticking) {
      pause();
      show();
    } else play();
  },
  hangs: hang,
  undo: () => (view.run.at ? move(view.run.at - 1) : say("There is nothing to undo.", true)),
  redo: () =>
    view.run.at < view.run.events.length
      ? move(view.run.at + 1)
      : say("There is nothing to redo.", true),
  anew: () => {
    pause();
    change({ run: newRun(), poll: { ...view.poll, since: null } });
    say(`A new run: ${NOT_YET}.`);
  },
};
for (const [id, act] of Object.entries(steps)) byId(id).addEventListener("click", act);
byId("speed").replaceChildren(
  choice("Speed", SPEEDS, SPEED_NAMES, view.speed, (speed) => {
    const playing = ticking;
    change({ speed }, true);
    if (playing) play();
  }),
);

// The requests of the run, for its heading.
function runText() {
  const names = story.moments.flatMap(({ event }) =>
    event?.trigger?.kind === KIND.request ? [event.trigger.name] : [],
  );
  if (!names.length) return "Nothing was requested yet.";
  return `${names.length > 8 ? "… " : ""}${names.slice(-8).join(", ")}. Press a column to go back to it.`;
}

function nextText() {
  const outcome = story.running ? machine.outcome(machine.onward, story.node) : null;
  if (outcome?.end) return `Next: ${outcome.end.state.name}`;
  return waiting() ? "Let time pass" : "Next";
}

part(() => {
  for (const each of [...requestButtons, ...eventButtons]) showTrigger(each);
  byId("events-heading").hidden = eventButtons.every(({ group }) => group.hidden);
  byId("run-text").textContent = runText();
  const refused = requestButtons.filter(
    ({ press }) => press.getAttribute("aria-disabled") === "true",
  ).length;
  byId("accepted").textContent = `${requestButtons.length - refused} of ${requestButtons.length} accepted`;
  byId("refused-too").hidden = !refused || !(many || upright.matches);
  byId("refused-too").textContent = showsRefused()
    ? "Hide the refused requests"
    : `Show ${refused} refused requests, and why`;
  byId("refused-too").setAttribute("aria-expanded", String(showsRefused()));
  byId("next").textContent = nextText();
  setPossible(byId("next"), canGoOn());
  setPossible(byId("play"), canGoOn() || ticking !== undefined);
  byId("play").textContent = ticking ? "Pause" : "Play";
  setPossible(byId("hangs"), story.running);
  setPossible(byId("undo"), view.run.at > 0);
  setPossible(byId("redo"), view.run.at < view.run.events.length);
  const [speed] = byId("speed").getElementsByTagName("select");
  speed.selectedIndex = SPEEDS.indexOf(view.speed);
});
