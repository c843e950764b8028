// The form with the settings: it builds the choice of styles, explains the choices, and remembers them.

import { find, make } from "./dom.js";
import { styleAddress } from "./server.js";

const KEPT = "cartoonize-settings";
const WORDS = {
    detail: {
        low: "Draws 480 lines: bold and quick.",
        normal: "Draws 720 lines.",
        high: "Draws 1080 lines: finer, and slower.",
        full: "Draws all lines of your file.",
    },
    hold: {
        1: "As smooth as your video.",
        2: "12 drawings a second, as in most cartoons.",
        3: "8 drawings a second, as in hand-drawn series.",
    },
    compare: {
        "": "The cartoon alone.",
        side: "The source on the left, the cartoon on the right.",
        split: "Left half source, right half cartoon.",
        wipe: "A line moves across a video, source on its left.",
    },
};

/** Build the form for these styles. The result has `read()` and calls `onChange` after each change. */
export function createSettings(styles, onChange) {
    const form = find("settings");
    find("styles").append(...styles.map(styleCard));
    const summaries = Object.fromEntries(styles.map((style) => [style.name, style.summary]));
    const update = () => {
        explain(form, summaries);
        showSample(form, styles);
    };
    restore(form);
    update();
    form.addEventListener("input", () => {
        update();
        keep(read(form));
        onChange();
    });
    return {
        styles: styles.map((style) => style.name),
        read: () => read(form),
        showPreviews: (addresses) => showPreviews(form, addresses),
    };
}

/** Whether a result was made with other settings. */
export function differ(first, second) {
    return Object.keys(first).some((name) => first[name] !== second[name]);
}

function styleCard(style, number) {
    const picture = style.has_preview
        ? make("img", { src: styleAddress(style.name), alt: "", width: 518, height: 256 })
        : make("span", { class: "no-preview" }, style.name.slice(0, 1).toUpperCase());
    return make(
        "label",
        { class: "style", title: style.summary },
        make("input", { type: "radio", name: "style", value: style.name, checked: number === 0 }),
        make("span", { class: "style-picture" }, picture),
        make("span", { class: "style-name" }, style.name),
        make("span", { class: "unseen" }, style.summary),
    );
}

/** Show the visitor's own picture in each style that has an address, and the sample in the others. */
function showPreviews(form, addresses) {
    for (const radio of form.elements.style) {
        const picture = radio.parentElement.querySelector(".style-picture");
        const address = addresses[radio.value];
        const own = picture.querySelector(".own");
        if (own?.src === address) continue;
        own?.remove();
        if (address) picture.append(make("img", { class: "own", src: address, alt: "" }));
    }
}

/** On the empty page: a photo and its drawing in the chosen style. */
function showSample(form, styles) {
    const style = styles.find(({ name }) => name === read(form).style);
    find("sample").hidden = !style?.has_preview;
    if (style?.has_preview) find("sample").src = styleAddress(style.name);
}

function read(form) {
    const data = new FormData(form);
    return {
        style: data.get("style"),
        detail: data.get("detail"),
        strength: Number(data.get("strength")) / 100,
        keep_colour: data.has("keep_colour"),
        hold: Number(data.get("hold")),
        compare: data.get("compare") || null,
    };
}

function explain(form, summaries) {
    find("style-words").textContent = summaries[new FormData(form).get("style")] ?? "";
    for (const [name, words] of Object.entries(WORDS)) {
        find(`${name}-words`).textContent = words[new FormData(form).get(name)] ?? "";
    }
    const strength = find("strength");
    const words = { 0: "source only", 100: "full" }[strength.value] ?? `${strength.value} %`;
    find("strength-words").textContent = words;
    strength.setAttribute("aria-valuetext", words);
    find("more-words").textContent = describeChanges(form);
}

/** The folded settings that differ from their defaults, in words. */
function describeChanges(form) {
    const words = { detail: "detail ", hold: "", compare: "shows " };
    const chosen = Object.keys(words).map((name) => form.querySelector(`[name=${name}]:checked`));
    return [
        form.elements.strength.value === "100" ? "" : `strength ${form.elements.strength.value}\u00a0%`,
        form.elements.keep_colour.checked ? "the source’s colours" : "",
        ...chosen.map((radio) =>
            radio.defaultChecked
                ? ""
                : words[radio.name] + radio.nextElementSibling.textContent.toLowerCase(),
        ),
    ]
        .filter(Boolean)
        .join(", ");
}

function keep(settings) {
    try {
        localStorage.setItem(KEPT, JSON.stringify(settings));
    } catch {
        // Storage is forbidden: the settings last as long as the page.
    }
}

function restore(form) {
    let kept;
    try {
        kept = JSON.parse(localStorage.getItem(KEPT));
    } catch {
        return;
    }
    if (!kept) return;
    for (const name of ["style", "detail", "hold", "compare"]) {
        const wanted = String(kept[name] ?? "");
        for (const radio of form.elements[name]) {
            if (radio.value === wanted) radio.checked = true;
        }
    }
    form.elements.strength.value = (kept.strength ?? 1) * 100;
    form.elements.keep_colour.checked = kept.keep_colour === true;
}
