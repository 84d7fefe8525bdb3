// @ts-check
// The interpreter of an exported lifecycle. A node is a state with its facts. Every function is a
// copy of one in the Python package; tests compare the two.

/** @returns {Lifecycle} */
function readLifecycle(data) {
  const word = ([name, meaning, tone]) => ({ name, meaning, tone });
  const [vmStates, taskStates, statuses] = [data.vm_states, data.task_states, data.statuses].map(
    (words) => words.map(word),
  );
  const facts = new Map(data.facts.map((fact) => [fact.name, fact]));
  const pairs = (numbers) =>
    Object.fromEntries(
      numbers.map(([fact, value]) => [data.facts[fact].name, data.facts[fact].values[value]]),
    );
  /** @type {LifecycleState[]} */
  const states = data.states.map(([vm, task, status, kept, implied], index) => ({
    index,
    name: data.single.includes(index)
      ? vmStates[vm].name
      : `${vmStates[vm].name}/${task < 0 ? NO_TASK : taskStates[task].name}`,
    lane: data.lanes[index],
    vmState: vmStates[vm],
    taskState: task < 0 ? null : taskStates[task],
    status: statuses[status],
    kept: new Set(kept.map((fact) => data.facts[fact].name)),
    implied: pairs(implied),
  }));
  /** @type {Trigger[]} */
  const triggers = data.triggers.map((trigger, index) => ({
    ...trigger,
    index,
    sources: new Map(),
  }));
  /** @type {Transition[]} */
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
    creations: transitions
      .filter((transition) => transition.source === null)
      .map(({ trigger }) => trigger),
    triggerNamed: new Map(triggers.map((trigger) => [trigger.name, trigger])),
    stateNamed: new Map(states.map((state) => [state.name, state])),
  };
}

class Machine {
  constructor(data) {
    Object.assign(this, readLifecycle(data));
  }

  /** The fact of a name that the table has. @param {string} name */
  fact(name) {
    return /** @type {Fact} */ (this.facts.get(name));
  }

  /** The state of a name that the table has. @param {string} name */
  state(name) {
    return /** @type {LifecycleState} */ (this.stateNamed.get(name));
  }

  /** @param {Trigger} trigger @param {LifecycleState | null} source */
  find(trigger, source) {
    return trigger.sources.get(source) ?? [];
  }

  /** @param {LifecycleState} state */
  rests(state) {
    return this.find(this.onward, state).length === 0;
  }

  // Whether nothing goes on by itself at a node: at rest, or at a step that never ends.
  /** @param {StateNode} node */
  stays(node) {
    return this.rests(node.state) || !this.possible(this.onward, node).length;
  }

  // Whether no transition leaves this state.
  /** @param {LifecycleState} state */
  isFinal(state) {
    return !this.triggers.some((trigger) => trigger.sources.has(state));
  }

  // The value of a fact, its usual one where it is not known; undefined if it has none.
  /** @param {string} name @param {Facts} known */
  value(name, known) {
    return known[name] ?? this.fact(name).usual ?? undefined;
  }

  /** @param {LifecycleState} state @param {Facts} known @returns {StateNode} */
  node(state, known) {
    const all = { ...known, ...state.implied };
    const kept = [...this.facts.values()].filter(
      ({ name, usual }) => state.kept.has(name) && name in all && all[name] !== usual,
    );
    return { state, facts: Object.fromEntries(kept.map(({ name }) => [name, all[name]])) };
  }

  // Why a server cannot remember these facts in a state, or null.
  /** @param {LifecycleState} state @param {Facts} facts */
  contradiction(state, facts) {
    for (const [name, value] of Object.entries(facts)) {
      if (!this.facts.get(name)?.values.includes(value)) return `unknown fact ${name}=${value}`;
      if (!state.kept.has(name)) return `${name} is not remembered at ${state.name}`;
      if ((state.implied[name] ?? value) !== value) {
        return `${name}=${value} contradicts ${state.name}, where it is ${state.implied[name]}`;
      }
    }
    return null;
  }

  /** @param {[string, string][]} when @param {Facts} known @param {object} [free] */
  canBe(when, known, free = {}) {
    return when.every(
      ([name, value]) => name in free || [value, undefined].includes(this.value(name, known)),
    );
  }

  /** @param {Trigger} trigger @param {StateNode} node */
  possible(trigger, node) {
    const known = Object.entries(node.facts).filter(([name]) => !(name in trigger.given));
    const here = this.find(trigger, node.state);
    return here.filter(({ when }) => this.canBe(when, Object.fromEntries(known), trigger.given));
  }

  /** @param {Trigger} trigger @param {StateNode | null} node */
  may(trigger, node) {
    if (!node) return this.creations.includes(trigger);
    return this.possible(trigger, node).length > 0;
  }

  // The outcome of a trigger: {transition, nodes, end}, {refused} or {unknown: fact}.
  /**
   * @param {Trigger} trigger
   * @param {StateNode | null} node
   * @param {Facts} [given]
   * @returns {Outcome}
   */
  outcome(trigger, node, given = {}) {
    const source = node ? node.state : null;
    const usual = /** @type {[string, string][]} */ (
      Object.entries(trigger.given).filter(([, value]) => value !== null)
    );
    const known = { ...node?.facts, ...Object.fromEntries(usual), ...given };
    const unsaid = [];
    for (const transition of this.find(trigger, source)) {
      if (!this.canBe(transition.when, known)) continue;
      const open = transition.when.filter(([name]) => this.value(name, known) === undefined);
      if (!open.length) return this.enter(transition, node, known);
      unsaid.push(...open);
    }
    if (!node || !unsaid.length) return { refused: this.refusal(trigger, node) };
    return { unknown: this.fact(unsaid[0][0]) };
  }

  /** @param {Transition} transition @param {StateNode | null} node @param {Facts} known */
  enter(transition, node, known) {
    /** @type {StateNode[]} */
    const nodes = [];
    let facts = { ...known, ...transition.learns };
    for (const state of transition.path) {
      const entered = this.node(state, facts);
      nodes.push(entered);
      facts = { ...entered.facts, ...transition.learns };
    }
    const stays = node && this.node(node.state, facts);
    return { transition, nodes, end: nodes.at(-1) ?? stays ?? undefined };
  }

  /** @param {Trigger} trigger @param {StateNode | null} node @returns {string} */
  reason(trigger, node) {
    if (!node) return NOT_YET;
    const onlyCreates = [...trigger.sources.keys()].every((source) => source === null);
    if (!onlyCreates && trigger.kind === KIND.request) {
      for (const [fact, value, allows, why] of this.data.guards) {
        const held = this.value(fact, node.facts) === value;
        if (held && !allows.includes(trigger.index)) return why;
      }
    }
    return this.data.reasons[this.data.refusals[trigger.index][node.state.index]];
  }

  /** @param {Trigger} trigger @param {StateNode | null} node @returns {Refusal} */
  refusal(trigger, node) {
    return { trigger, node, reason: this.reason(trigger, node), allowed: this.requests(node) };
  }

  // The requests that are accepted now.
  /** @param {StateNode | null} node */
  requests(node) {
    return this.triggers.filter(
      (trigger) => trigger.kind === KIND.request && this.may(trigger, node),
    );
  }

  // The facts that can be given with a trigger and make a difference here.
  /** @param {Trigger} trigger @param {StateNode | null} node */
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

/** @param {Refusal} refusal */
function refusalText({ trigger, node, reason, allowed }) {
  if (!node) return `${trigger.name}: ${reason}`;
  const instead = allowed.map(({ name }) => name).join(", ") || "nothing that a user can ask";
  const { name, status } = node.state;
  const shown = name === status.name ? "" : ` (${COLUMNS.at(-1)} ${status.name})`;
  return `${trigger.name} is refused at ${name}${shown}: ${reason}; possible now: ${instead}`;
}

function unknownFactText(fact, trigger, node) {
  const choices = fact.values.map((value) => `${fact.name}=${value}`).join(" or ");
  return `${trigger.name} at ${node.state.name} depends on ${fact.name}: say ${choices}`;
}

function bracketed(facts) {
  const pairs = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return pairs.length ? `[${pairs.join(",")}]` : "";
}
