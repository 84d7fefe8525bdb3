// @ts-check
// Examples of waiters with the findings of `ecs-fsm check`; each finding can be played.

function exampleRun({ from, events }) {
  const start = from ? { state: machine.state(from[0]), facts: from[1] } : null;
  return newRun(
    start,
    events.map(([name, given]) => ({ trigger: machine.triggerNamed.get(name), given })),
  );
}

function useWaiter({ attribute, pending, target, failure }, run) {
  pause();
  const poll = {
    attribute,
    pending: (pending ?? []).join(", "),
    target: target.join(", "),
    failure: failure.join(", "),
    every: RHYTHMS[0],
    since: run ? Math.min(1, run.events.length) : null,
  };
  change(run ? { poll, run } : { poll });
  say(run ? `Played: ${verdict()[0]}` : "The waiter is in the form.");
}

function findingItem(waiter, finding) {
  return element(
    "li",
    {},
    element("b", {}, finding.finding),
    finding.avoidable ? "" : " (unavoidable)",
    `: ${finding.message} `,
    button("Play it", () => useWaiter(waiter, exampleRun(finding)), {
      "aria-label": `Play the finding ${finding.finding} of ${waiter.name}`,
    }),
  );
}

function exampleItem(waiter) {
  const count = waiter.findings.length;
  const found = count === 1 ? "1 finding" : `${count} findings`;
  return element(
    "details",
    {},
    element("summary", {}, `${waiter.name}: ${count ? found : "no findings"}`),
    element(
      "p",
      {},
      `Waits for ${waiter.operation}: polls ${waiter.attribute}, target ${waiter.target.join(", ")}` +
        (waiter.pending ? `, pending ${waiter.pending.join(", ")}` : "") +
        (waiter.failure.length ? `, failure ${waiter.failure.join(", ")}` : "") +
        ". ",
      button("Use it", () => useWaiter(waiter, null), {
        "aria-label": `Use the waiter ${waiter.name}`,
      }),
    ),
    element("ul", {}, ...waiter.findings.map((finding) => findingItem(waiter, finding))),
    ...waiter.notes.map((note) => element("p", { class: "note" }, note)),
  );
}

byId("examples").append(...CONTENT.waiters.map(exampleItem));
