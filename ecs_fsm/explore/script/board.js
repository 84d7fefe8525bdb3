// @ts-check
// The picture: where the server is, where it was, and which arrows lead on from there.

const board = byId("board");
/** @returns {HTMLElement[]} */
const inBoard = (selector) => [...board.querySelectorAll(selector)];
const boxes = inBoard("[data-state]");
const arrows = inBoard("[data-transitions]").map((group) => ({
  group,
  transitions: numberedBy(group, "transitions").map((n) => machine.transitions[n]),
}));
const chips = inBoard("[data-trigger]");
const lanes = new Map(inBoard("[data-lane]").map((lane) => [Number(lane.dataset.lane), lane]));
const wholeBoard = board.getAttribute("viewBox") ?? "";
const ownBox = new Map(
  boxes
    .filter((box) => !box.classList.contains("again"))
    .map((box) => [stateOf(box), box]),
);
const LARGE_BOARD = 1500;

// The numbers in a data attribute of the picture, by which it names states and transitions.
function numberedBy(group, attribute) {
  return group.dataset[attribute].split(",").map(Number);
}

/** @returns {LifecycleState} */
function stateOf(box) {
  return machine.states[numberedBy(box, "state")[0]];
}

/** @returns {Trigger} */
function triggerOf(chip) {
  return machine.triggers[numberedBy(chip, "trigger")[0]];
}

// Whether the server can take this transition now.
function leadsOn(transition) {
  if (transition.source !== story.state || story.obstacle(transition.trigger) !== null)
    return false;
  return !story.node || machine.possible(transition.trigger, story.node).includes(transition);
}

part((before) => {
  const been = new Set(story.moments.flatMap(({ nodes }) => nodes.map(({ state }) => state)));
  for (const [state, box] of ownBox) {
    const here = state === story.state;
    box.classList.toggle("been", been.has(state));
    box.classList.toggle("here", here);
    box.classList.toggle("hung", here && story.hung);
  }
  for (const { group, transitions } of arrows) {
    group.classList.toggle("open", transitions.some(leadsOn));
  }
  for (const chip of chips) {
    chip.classList.toggle("open", story.obstacle(triggerOf(chip)) === null);
  }
  if (before.run !== view.run || before.whole !== view.whole) frame();
});

function showsWhole() {
  return view.whole ?? Number(wholeBoard.split(" ")[3]) < LARGE_BOARD;
}

// Show the whole, or the lane in which the server is.
function frame() {
  const whole = showsWhole();
  const [created] = machine.find(machine.creations[0], null);
  const lane = lanes.get(story.state ? story.state.lane : created.path[0].lane);
  const ground = lane?.querySelector(".lane rect");
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) =>
    Number(ground?.getAttribute(name)),
  );
  const seen = whole ? wholeBoard : `${x - 4} ${y - 4} ${width + 8} ${height + 8}`;
  if (board.getAttribute("viewBox") !== seen) board.setAttribute("viewBox", seen);
  for (const each of lanes.values()) each.classList.toggle("closed", !whole && each !== lane);
  byId("whole").setAttribute("aria-pressed", String(whole));
  requestAnimationFrame(follow);
}

// Where the picture is wider than its place, move it to the server.
function follow() {
  const here = story.state && ownBox.get(story.state);
  const scroller = board.parentElement;
  if (here && scroller && scroller.scrollWidth > scroller.clientWidth) {
    const box = here.getBoundingClientRect();
    const seen = scroller.getBoundingClientRect();
    scroller.scrollLeft += box.left + box.width / 2 - seen.left - seen.width / 2;
  }
}

function pressBoard(target) {
  const chip = closest(target, "[data-trigger]");
  if (chip) return fire(triggerOf(chip));
  const arrow = closest(target, "[data-transitions]");
  const own = arrows.find(({ group }) => group === arrow)?.transitions;
  if (own) {
    const open = own.filter(leadsOn);
    const triggers = [...new Set((open.length ? open : own).map(({ trigger }) => trigger))];
    return triggers.length > 1 && open.length ? chooseTrigger(triggers) : fire(triggers[0]);
  }
  const box = closest(target, "[data-state]");
  if (box) {
    const { name, status, vmState, taskState } = stateOf(box);
    const shown = name === status.name ? "" : ` ${COLUMNS.at(-1)} ${status.name}.`;
    say(`${name}:${shown} ${vmState.meaning} ${taskState ? taskState.meaning : ""}`);
  }
  return undefined;
}

board.addEventListener("click", (event) => pressBoard(event.target));
byId("whole").addEventListener("click", () => change({ whole: !showsWhole() }));
