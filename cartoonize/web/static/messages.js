// What the page says: in a banner at its top, or to screen readers only.

import { find } from "./dom.js";

export function say(text) {
    find("lost").textContent = text;
    find("lost").hidden = false;
}

export function unsay() {
    find("lost").hidden = true;
}

export function announce(text) {
    find("announcer").textContent = text;
}
