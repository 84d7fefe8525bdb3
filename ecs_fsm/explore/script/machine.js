// The interpreter of an exported lifecycle. A node is a state with what is remembered there; every
// function here is a copy of one of the Python package, which judges it.

function readLifecycle(data) {
  const word = ([name, meaning, tone]) => ({ name, meaning, tone });
  const [vmStates, taskStates, statuses] = [data.vm_states, data.task_states, data.statuses].map(
    (words) => words.map(word),
  );
  const facts = new Map(data.facts.map((fact) => [fact.name, fact]));
  const pairs = (told) =>
    Object.fromEntries(
      told.map(([fact, value]) => [data.facts[fact].name, data.facts[fact].values[value]]),
    );
  const states = data.states.map(([vm, task, status, kept, implied], index) => ({
    index,
    name: `${vmStates[vm].name}/${task < 0 ? NO_TASK : taskStates[task].name}`,
    lane: vm,
    vmState: vmStates[vm],
    taskState: task < 0 ? null : taskStates[task],
    status: statuses[status],
    kept: new Set(kept.map((fact) => data.facts[fact].name)),
    implied: pairs(implied),
  }));
  const triggers = data.triggers.map((trigger, index) => ({
    ...trigger,
    index,
    sources: new Map(),
  }));
  const transitions = data.transitions.map(
    ([trigger, source, path, when = [], learns = []], index) => ({
      index,
      trigger: triggers[trigger],
      source: source < 0 ? null : states[source],
      path: path.map((state) => states[state]),
      when: Object.entries(pairs(when)),
      learns: pairs(learns),
    }),
  );
  for (const transition of transitions) {
    const own = transition.trigger.sources;
    own.set(transition.source, [...(own.get(transition.source) ?? []), transition]);
  }
  return {
    data,
    facts,
    states,
    triggers,
    transitions,
    vmStates,
    taskStates,
    statuses,
    onward: triggers[data.onward],
    creation: transitions.find((transition) => transition.source === null).trigger,
    triggerNamed: new Map(triggers.map((trigger) => [trigger.name, trigger])),
    stateNamed: new Map(states.map((state) => [state.name, state])),
  };
}

class Machine {
  constructor(data) {
    Object.assign(this, readLifecycle(data));
  }

  find(trigger, source) {
    return trigger.sources.get(source) ?? [];
  }

  rests(state) {
    return this.find(this.onward, state).length === 0;
  }

  // Nothing ever leaves this state.
  isFinal(state) {
    return !this.triggers.some((trigger) => trigger.sources.has(state));
  }

  value(name, known) {
    return known[name] ?? this.facts.get(name).usual ?? undefined;
  }

  node(state, known) {
    const all = { ...known, ...state.implied };
    const kept = [...this.facts.values()].filter(
      ({ name, usual }) => state.kept.has(name) && name in all && all[name] !== usual,
    );
    return { state, facts: Object.fromEntries(kept.map(({ name }) => [name, all[name]])) };
  }

  // Why these facts cannot be remembered in a state; nothing if they can.
  contradiction(state, facts) {
    for (const [name, value] of Object.entries(facts)) {
      if (!this.facts.get(name)?.values.includes(value)) return `there is no fact ${name}=${value}`;
      if (!state.kept.has(name)) return `${name} is not remembered at ${state.name}`;
      if ((state.implied[name] ?? value) !== value) {
        return `${name}=${value} contradicts ${state.name}, where it is ${state.implied[name]}`;
      }
    }
    return null;
  }

  canBe(when, known, free = {}) {
    return when.every(
      ([name, told]) => name in free || [told, undefined].includes(this.value(name, known)),
    );
  }

  possible(trigger, node) {
    const known = Object.entries(node.facts).filter(([name]) => !(name in trigger.given));
    const here = this.find(trigger, node.state);
    return here.filter(({ when }) => this.canBe(when, Object.fromEntries(known), trigger.given));
  }

  may(trigger, node) {
    if (!node) return trigger === this.creation;
    return this.possible(trigger, node).length > 0;
  }

  // What a trigger comes to: {transition, nodes, end}, {refused} or {unknown: fact}.
  outcome(trigger, node, given = {}) {
    const source = node ? node.state : null;
    const usual = Object.entries(trigger.given).filter(([, value]) => value !== null);
    const known = { ...node?.facts, ...Object.fromEntries(usual), ...given };
    const unsaid = [];
    for (const transition of this.find(trigger, source)) {
      if (!this.canBe(transition.when, known)) continue;
      const open = transition.when.filter(([name]) => this.value(name, known) === undefined);
      if (!open.length) return this.enter(transition, node, known);
      unsaid.push(...open);
    }
    if (!node || !unsaid.length) return { refused: this.refusal(trigger, node) };
    return { unknown: this.facts.get(unsaid[0][0]) };
  }

  enter(transition, node, known) {
    const nodes = [];
    let facts = { ...known, ...transition.learns };
    for (const state of transition.path) {
      nodes.push(this.node(state, facts));
      facts = { ...nodes.at(-1).facts, ...transition.learns };
    }
    const end = nodes.at(-1) ?? this.node(node.state, facts);
    return { transition, nodes, end };
  }

  reason(trigger, node) {
    if (!node) return NOT_YET;
    if (trigger !== this.creation && trigger.kind === KIND.request) {
      for (const [fact, value, allows, why] of this.data.guards) {
        const held = this.value(fact, node.facts) === value;
        if (held && !allows.includes(trigger.index)) return why;
      }
    }
    return this.data.reasons[this.data.refusals[trigger.index][node.state.index]];
  }

  refusal(trigger, node) {
    return { trigger, node, reason: this.reason(trigger, node), allowed: this.requests(node) };
  }

  requests(node) {
    return this.triggers.filter(
      (trigger) => trigger.kind === KIND.request && this.may(trigger, node),
    );
  }

  // The facts that can be said with a trigger and that matter here.
  matters(trigger, node) {
    const here = node ? this.possible(trigger, node) : this.find(trigger, null);
    return Object.keys(trigger.given).filter((name) =>
      here.some(
        ({ when, path }) =>
          when.some(([own]) => own === name) || path.some((state) => state.kept.has(name)),
      ),
    );
  }
}

function tellRefusal({ trigger, node, reason, allowed }) {
  if (!node) return `${trigger.name}: ${reason}`;
  const instead = allowed.map(({ name }) => name).join(", ") || "nothing that a user can ask";
  return (
    `${trigger.name} is refused at ${node.state.name} (status ${node.state.status.name}): ` +
    `${reason}; possible now: ${instead}`
  );
}

function tellUnknown(fact, trigger, node) {
  const choices = fact.values.map((value) => `${fact.name}=${value}`).join(" or ");
  return `${trigger.name} at ${node.state.name} depends on ${fact.name}: say ${choices}`;
}

function bracketed(facts) {
  const told = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return told.length ? `[${told.join(",")}]` : "";
}
