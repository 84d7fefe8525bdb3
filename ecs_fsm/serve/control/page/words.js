// @ts-check
// What the page knows from the start: the words of the lifecycle, and its limits.

/** @type {LiveWords} */
const WORDS = JSON.parse(byId("words").textContent ?? "");
/** @type {LiveState[]} */
const STATES = WORDS.states.map((state, place) => ({ ...state, place }));
const stateNamed = new Map(STATES.map((state) => [state.name, state]));
/** @param {Pair} pair */
const stateOf = ({ vm_state, task_state }) =>
  /** @type {LiveState} */ (stateNamed.get(`${vm_state}/${task_state ?? WORDS.noTask}`));

const MOST_LISTED = 200;
const MOST_GONE = 1000;
const MOST_ROWS = 50;
const MOST_DOTS = 60;
const MOST_NAMED = 12;
const DETAIL_PAUSE = 250;
const FAULT_PAUSE = 1000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;
const THEMES = ["light", "dark"];

const twoDigits = (number) => String(number).padStart(2, "0");

// Simulated seconds as hours, minutes and seconds.
function clockTime(seconds) {
  const tenths = Math.round(seconds * 10);
  const whole = Math.floor(tenths / 10);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}.${tenths % 10}`;
}
