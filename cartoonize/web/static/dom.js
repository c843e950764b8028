// Makes elements of the page.

/** An element with properties and children. A name with a hyphen, and `class`, `for` and `role`, are attributes. */
export function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.includes("-") || ["class", "for", "role"].includes(name)) element.setAttribute(name, value);
        else element[name] = value;
    }
    element.append(...children);
    return element;
}

/** A drawing from the sprite at the end of index.html. */
export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#icon-${name}`);
    svg.append(use);
    return svg;
}

export function find(id) {
    return document.getElementById(id);
}

/** Change a text only if it differs, so that screen readers say it once. */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** Show a value from 0 to 1. Without one, or at 0, the bar pulses. */
export function setProgress(bar, value) {
    if (value) bar.value = value;
    else bar.removeAttribute("value");
}

/** Scroll so that an element can be seen, if it cannot yet. */
export function reveal(element) {
    const box = element.getBoundingClientRect();
    if (box.top >= 0 && box.bottom <= window.innerHeight) return;
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollIntoView({ behavior: isStill ? "auto" : "smooth", block: "start" });
}
