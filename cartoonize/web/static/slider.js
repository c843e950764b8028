// Two pictures or videos of one size, before and after: under a divider, side by side, or the second alone.

import { icon, make } from "./dom.js";

/**
 * A comparison of two elements, images or videos, of the same size.
 *
 * `view` is "wipe": a divider that follows the pointer, a finger, and the arrow keys; "side": both beside or
 * above each other; or "after". The result has the `element`, and `setView`.
 */
export function createSlider(before, after, { view = "wipe", labels = ["Before", "After"] } = {}) {
    const range = make("input", {
        class: "divider",
        type: "range",
        min: 0,
        max: 100,
        step: 1,
        value: 50,
        "aria-label": `Divider: ${labels[0]} on its left, ${labels[1]} on its right`,
    });
    const screen = make(
        "div",
        { class: "screen" },
        make("figure", { class: "side-before" }, before, make("figcaption", {}, labels[0])),
        make("figure", { class: "side-after" }, after, make("figcaption", {}, labels[1])),
        range,
        make("div", { class: "line", "aria-hidden": "true" }, make("span", {}, icon("divide"))),
    );
    const element = make("div", { class: "slider" }, screen);

    function place() {
        screen.style.setProperty("--at", `${range.value}%`);
        range.setAttribute("aria-valuetext", `${range.value} % ${labels[0]}`);
        screen.classList.toggle("near-left", range.value < 14);
        screen.classList.toggle("near-right", range.value > 86);
    }

    function setView(name) {
        element.dataset.view = name;
        range.disabled = name !== "wipe";
    }

    range.addEventListener("input", place);
    measure(element, after);
    place();
    setView(view);
    return { element, setView };
}

/** A single picture or video, as large as it would be in a slider. */
export function fit(media) {
    const screen = make("div", { class: "screen" }, make("figure", {}, media));
    const element = make("div", { class: "slider", "data-view": "single" }, screen);
    measure(element, media);
    return element;
}

/** Give the style sheet the aspect ratio of a picture or video, as soon as it is known. */
function measure(element, media) {
    const width = media.naturalWidth || media.videoWidth;
    const height = media.naturalHeight || media.videoHeight;
    if (!width || !height) {
        const again = () => measure(element, media);
        for (const event of ["load", "loadedmetadata"]) media.addEventListener(event, again, { once: true });
        return;
    }
    element.style.setProperty("--ratio", width / height);
    element.classList.toggle("portrait", height > width);
}

/** Buttons to choose the view of a slider. `onChange` gets each chosen view. */
export function createViewChoice(slider, view, onChange) {
    const views = { wipe: "Wipe", side: "Side by side", after: "Cartoon" };
    const choices = make("div", { class: "choices" });
    for (const [name, words] of Object.entries(views)) {
        const radio = make("input", { type: "radio", name: "view", value: name, checked: name === view });
        radio.addEventListener("change", () => {
            slider.setView(name);
            onChange(name);
        });
        choices.append(make("label", {}, radio, make("span", {}, words)));
    }
    return make(
        "fieldset",
        { class: "segments views" },
        make("legend", { class: "unseen" }, "View"),
        choices,
    );
}
