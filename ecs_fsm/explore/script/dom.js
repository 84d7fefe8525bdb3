// @ts-check
// Elements, made without markup: whatever comes in from outside can only become text.

const SVG = "http://www.w3.org/2000/svg";

/** @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @returns {HTMLInputElement} */
const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** The nearest element around the target of an event that matches. @returns {HTMLElement | null} */
const closest = (target, selector) => /** @type {Element} */ (target).closest(selector);

/**
 * @template {Element} Made
 * @param {Made} node
 * @param {Record<string, any>} attributes
 * @param {any[]} children
 */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null));
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} name
 * @param {Record<string, any>} [attributes]
 */
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} name
 * @param {Record<string, any>} [attributes]
 */
function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** @param {string} text @param {() => unknown} press @param {Record<string, any>} [attributes] */
function button(text, press, attributes = {}) {
  return element("button", { type: "button", onclick: press, ...attributes }, text);
}

function choice(label, values, names, chosen, choose) {
  const options = values.map((value, place) =>
    element("option", { value, selected: value === chosen }, names[place]),
  );
  const select = element(
    "select",
    { onchange: () => choose(values[select.selectedIndex]) },
    ...options,
  );
  return element("label", { class: "field" }, element("span", {}, label), select);
}

/** A name that a line may break behind its parts only. @param {string} name */
function inParts(name) {
  return name.split(/(?<=[/_-])/).flatMap((part) => [part, element("wbr")]);
}

function tonedWord(word) {
  return element("span", { class: `tag tone-${word.tone}` }, word.name);
}

// Say what happened, where it can be seen and where a screen reader hears it.
/** @param {string} text @param {boolean} [refused] */
function say(text, refused = false) {
  byId("said").textContent = text;
  byId("said").classList.toggle("refused", refused);
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
