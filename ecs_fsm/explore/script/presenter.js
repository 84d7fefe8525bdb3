// @ts-check
// The presenter's view: large, with a future that stays hidden until it is revealed. Single keys act
// in it only, never while a field has the focus; P alone also opens it.

const HIDDEN = "Next: ?";
const HINT = "What comes next is hidden. ? reveals it.";
const PAGE = document.documentElement;
const presenting = () => PAGE.classList.contains("presenting");
const revealed = () => PAGE.classList.contains("revealed");

function reveal(seen) {
  PAGE.classList.toggle("revealed", seen);
  byId("reveal").setAttribute("aria-pressed", String(seen));
  if (presenting()) byId("next").textContent = seen ? nextText() : HIDDEN;
  showTimeline();
}

function toggleReveal() {
  reveal(!revealed());
  const [coming] = ahead();
  if (!revealed()) say(HINT);
  else say(coming ? `Next comes ${coming.name}${ONE_WORD ? "" : `, ${COLUMNS.at(-1)} ${coming.status.name}`}.` : "Nothing runs: send a request.");
}

function present(on) {
  PAGE.classList.toggle("presenting", on);
  byId("present").setAttribute("aria-pressed", String(on));
  byId("reveal").hidden = !on;
  byId("keys").hidden = !on;
  // The lane in which the server is fills the picture.
  change({ whole: on ? false : null, tab: TABS[0] }, true);
  reveal(false);
  if (!on) show();
  if (on) say(HINT);
}

const presenterKeys = {
  ArrowRight: () => steps.next(),
  ArrowLeft: () => steps.undo(),
  h: () => steps.hangs(),
  "?": toggleReveal,
  Escape: () => present(false),
};

addEventListener("keydown", (event) => {
  const { key, target, altKey, ctrlKey, metaKey } = event;
  const own = /** @type {Element} */ (target).matches("[role=tab], [role=tabpanel], .scroller");
  const typing = own || closest(target, "input, select, textarea, dialog");
  if (altKey || ctrlKey || metaKey || typing) return;
  const act =
    key.toLowerCase() === "p" ? () => present(!presenting()) : presenting() && presenterKeys[key];
  if (!act) return;
  event.preventDefault();
  act();
});
byId("present").addEventListener("click", () => present(!presenting()));
byId("reveal").addEventListener("click", toggleReveal);

// After each step the room guesses again.
part((before) => {
  if (presenting()) reveal(before.run === view.run && revealed());
});
