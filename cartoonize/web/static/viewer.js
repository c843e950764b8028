// The large view of one file: its source, the progress of its conversion, its result.

import { icon, make, setText } from "./dom.js";
import { createPlayers } from "./players.js";
import { beforeAddress, resultAddress } from "./server.js";
import { createSlider, createViewChoice, fit } from "./slider.js";
import { describeJob, size } from "./words.js";

/** Fill `element` with a view. `actions` has `stop(job)` and `convertAgain(item)`. */
export function createViewer(element, actions) {
    const stage = make("div", { class: "stage" });
    const title = make("h2", { class: "name" });
    const about = make("p", { class: "quiet" });
    const download = make("a", { class: "button", id: "download" }, icon("download"), "Download");
    const words = make("p", { id: "message" });
    const bar = make("progress", { max: 1, "aria-label": "Progress" });
    const stop = make("button", { type: "button", class: "button plain", id: "stop" }, "Stop");
    const progress = make("div", { class: "progress" }, words, stop, bar);
    const again = make("button", { type: "button", class: "button plain", id: "again" }, "Convert again");
    const hint = make(
        "div",
        { class: "hint" },
        make("p", {}, "The settings have changed since this result."),
        again,
    );
    const notices = make("ul", { class: "notices" });
    const wrong = make("p", { class: "wrong", role: "alert" });
    const views = {}; // by kind of file: what the visitor chose
    let shown = null;
    let current = null;

    element.append(
        stage,
        make("div", { class: "under" }, make("div", { class: "title" }, title, about), download),
        progress,
        hint,
        wrong,
        notices,
    );
    stop.addEventListener("click", () => actions.stop(current.job));
    again.addEventListener("click", () => actions.convertAgain(current));

    /** Show the source or the result, unless it is shown already. Resolves when it can be seen. */
    async function showStage(item) {
        const key = item.result ? item.result.id : `source ${item.id}`;
        if (key === shown) return;
        shown = key;
        const made = item.result ? await makeResult(item, views) : makeSource(item);
        if (key !== shown) return;
        for (const video of stage.querySelectorAll("video")) video.pause();
        stage.replaceChildren(made);
    }

    function showWords(item) {
        const { job, result } = item;
        const isActive = job?.state === "waiting" || job?.state === "converting";
        setText(title, item.name);
        setText(about, aboutItem(item));
        setText(words, item.upload && !item.upload.error ? "Sending …" : job ? describeJob(job) : "");
        progress.hidden = !isActive && !(item.upload && !item.upload.error) && job?.state !== "stopped";
        stop.hidden = !isActive;
        bar.hidden = job?.state === "stopped" || job?.state === "waiting";
        setProgress(bar, item.upload ? item.upload.progress : job?.progress);
        hint.hidden = !item.hasChanged || isActive;
        setText(wrong, item.upload?.error ?? item.refusal ?? (job?.state === "failed" ? job.error : ""));
        wrong.hidden = !wrong.textContent;
        const lines = result?.result.notices ?? [];
        if (notices.textContent !== lines.join("")) {
            notices.replaceChildren(...lines.map((line) => make("li", {}, line)));
        }
        download.hidden = !result;
        if (result) {
            download.href = resultAddress(result.id);
            download.download = result.result.name;
        }
    }

    return {
        async show(item) {
            current = item;
            showWords(item);
            await showStage(item);
        },
        forget() {
            shown = null;
            stage.replaceChildren();
        },
    };
}

/** A bar without a value pulses. */
export function setProgress(bar, value) {
    if (value === null || value === undefined || value === 0) bar.removeAttribute("value");
    else bar.value = value;
}

function aboutItem(item) {
    if (item.result) {
        const { bytes, seconds } = item.result.result;
        const time =
            seconds < 90
                ? `${Math.max(1, Math.round(seconds))}\u00a0s`
                : `${Math.round(seconds / 60)}\u00a0min`;
        return `${item.result.settings.style} · converted in ${time} · ${size(bytes)}`;
    }
    return item.upload?.error || item.job || item.refusal ? "" : "Ready to convert.";
}

function makeSource(item) {
    if (item.kind === "video") return fit(makeVideo(item.address, `The source, ${item.name}`));
    const image = make("img", { src: item.address, alt: `The source, ${item.name}` });
    image.addEventListener("error", () => image.replaceWith(placeholder(item)), { once: true });
    return fit(image);
}

function makeVideo(address, label) {
    const properties = { src: address, playsInline: true, controls: true, loop: true, preload: "metadata" };
    return make("video", { ...properties, "aria-label": label });
}

function placeholder(item) {
    const words = item.upload ? "" : "This browser cannot show the source. The result will be visible.";
    return make("div", { class: "placeholder" }, icon("picture"), make("p", {}, words));
}

async function makeResult(item, views) {
    const { id, result, settings } = item.result;
    const kind = result.kind;
    const remember = (view) => {
        views[kind] = view;
    };
    const address = resultAddress(id);
    if (settings.compare !== null) {
        const label = `The result, ${item.name}`;
        return fit(kind === "video" ? makeVideo(address, label) : await picture(address, label));
    }
    if (kind === "video") {
        const source = item.kind === "video" ? item.address : beforeAddress(id);
        return createPlayers(source, address, { view: views[kind], onView: remember }).element;
    }
    const before = await picture(beforeAddress(id), "The source");
    const after = await picture(address, "The cartoon");
    const slider = createSlider(before, after, { view: views[kind] ?? "wipe" });
    const choice = createViewChoice(slider, views[kind] ?? "wipe", remember);
    return make("div", { class: "pictures" }, slider.element, make("div", { class: "player-bar" }, choice));
}

async function picture(address, alt) {
    const image = make("img", { src: address, alt });
    await image.decode().catch(() => {});
    return image;
}
