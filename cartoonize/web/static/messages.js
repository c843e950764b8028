// What the page says: in a banner at its top, or to screen readers only.

import { find } from "./dom.js";

export function showMessage(text) {
    find("banner").textContent = text;
    find("banner").hidden = false;
}

export function hideMessage() {
    find("banner").hidden = true;
}

export function announce(text) {
    find("announcer").textContent = text;
}
