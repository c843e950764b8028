// The large view of one file: its source, the progress of its conversion, its result.

import { icon, make, setProgress, setText } from "./dom.js";
import { announce } from "./messages.js";
import { createPlayers } from "./players.js";
import { isActive } from "./queue.js";
import { beforeAddress, resultAddress } from "./server.js";
import { canShare, share } from "./share.js";
import { createSlider, createViewChoice, fit } from "./slider.js";
import { describeJob, elapsed, size } from "./words.js";

/** Fill `element` with a view. `actions` has `stop(job)` and `convertAgain(item)`. */
export function createViewer(element, actions) {
    const stage = make("div", { class: "stage" });
    const title = make("h2", { class: "name", dir: "auto" });
    const about = make("p", { class: "quiet" });
    const download = make("a", { class: "button", id: "download" }, icon("download"), "Download");
    const shareButton = make(
        "button",
        { type: "button", class: "button plain", id: "share" },
        icon("share"),
        "Share",
    );
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
        make("div", { class: "under" }, make("div", { class: "title" }, title, about), shareButton, download),
        progress,
        hint,
        wrong,
        notices,
    );
    shareButton.addEventListener("click", async () => {
        const { id, result } = current.result;
        const isDone = await share(resultAddress(id), result.name);
        if (!isDone) announce("The file is ready to share: press Share again.");
    });
    stop.addEventListener("click", () => actions.stop(current.job));
    again.addEventListener("click", () => actions.convertAgain(current));

    /** Show the source, its preview or its result. Resolves when it is visible. */
    async function showStage(item) {
        const hasPreview = !item.result && Boolean(item.preview?.before && item.preview.after);
        const key = item.result ? item.result.id : `${hasPreview ? "preview" : "source"} ${item.id}`;
        if (key === shown) {
            if (hasPreview) changePreview(stage, item.preview.after);
            return;
        }
        // The old preview stays until the new one is drawn.
        if (!item.result && shown === `preview ${item.id}`) return;
        shown = key;
        const build = item.result ? makeResult : hasPreview ? makePreview : makeSource;
        const made = await build(item, views);
        if (key !== shown) return;
        for (const video of stage.querySelectorAll("video")) video.pause();
        stage.replaceChildren(made);
    }

    function showWords(item) {
        const { job, result } = item;
        const isConverting = isActive(item);
        const isSending = Boolean(item.upload && !item.upload.error);
        setText(title, item.name);
        title.title = item.name;
        setText(about, aboutItem(item));
        setText(words, isSending ? "Sending …" : job ? describeJob(job) : "");
        progress.hidden = !isConverting && !isSending && job?.state !== "stopped";
        stop.hidden = !isConverting;
        bar.hidden = job?.state === "stopped" || job?.state === "waiting";
        setProgress(bar, item.upload ? item.upload.progress : job?.progress);
        hint.hidden = !item.hasChanged || isConverting;
        setText(wrong, item.upload?.error ?? item.refusal ?? (job?.state === "failed" ? job.error : ""));
        wrong.hidden = !wrong.textContent;
        const lines = result?.result.notices ?? [];
        if (notices.textContent !== lines.join("")) {
            notices.replaceChildren(...lines.map((line) => make("li", {}, line)));
        }
        download.hidden = !result;
        shareButton.hidden = !result || !canShare;
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

function aboutItem(item) {
    if (item.result) {
        const { bytes, seconds } = item.result.result;
        return `${item.result.settings.style} · converted in ${elapsed(seconds)} · ${size(bytes)}`;
    }
    if (item.upload || item.job || item.refusal) return "";
    if (!item.preview?.after) return "Ready to convert.";
    return item.kind === "picture" ? "This is a preview of the result." : "This is a preview of one frame.";
}

function makeSource(item) {
    const label = `The source, ${item.name}`;
    const media =
        item.kind === "video"
            ? makeVideo(item.address, label)
            : make("img", { src: item.address, alt: label });
    const element = fit(media);
    media.addEventListener("error", () => element.replaceWith(placeholder(item)), { once: true });
    return element;
}

async function makePreview(item) {
    const before = await picture(item.preview.before, "The source");
    const after = await picture(item.preview.after, "The preview");
    return createSlider(before, after, { labels: ["Before", "Preview"] }).element;
}

function changePreview(stage, address) {
    const image = stage.querySelector(".side-after img");
    if (image && image.src !== address) image.src = address;
}

function makeVideo(address, label) {
    const properties = { src: address, playsInline: true, controls: true, loop: true, preload: "metadata" };
    return make("video", { ...properties, "aria-label": label });
}

function placeholder(item) {
    const isAwaited = !item.upload && item.job?.state !== "failed";
    const words = isAwaited ? "This browser cannot show the source. The result will be visible." : "";
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
        return createPlayers(source, address, views[kind], remember);
    }
    const before = await picture(beforeAddress(id), "The source");
    const after = await picture(address, "The cartoon");
    const slider = createSlider(before, after, { view: views[kind] ?? "wipe" });
    const choice = createViewChoice(slider, views[kind] ?? "wipe", remember);
    return make("div", {}, slider.element, make("div", { class: "player-bar" }, choice));
}

async function picture(address, alt) {
    const image = make("img", { src: address, alt });
    await image.decode().catch(() => {});
    return image;
}
