// The list of files, each with its state and its buttons.

import { icon, make, setProgress, setText } from "./dom.js";
import { fileAddress, resultAddress } from "./server.js";
import { describeJob } from "./words.js";

/** Fill a list. `actions` has `select(item)`, `stop(job)` and `remove(item)`. */
export function createQueue(list, actions) {
    const rows = new Map();

    return {
        show(items, selected) {
            for (const [id, row] of rows) {
                if (items.some((item) => item.id === id)) continue;
                row.element.remove();
                rows.delete(id);
            }
            for (const item of items) {
                if (!rows.has(item.id)) {
                    rows.set(item.id, createRow(item, actions));
                    list.append(rows.get(item.id).element);
                }
                rows.get(item.id).show(item, item.id === selected);
            }
        },
    };
}

function createRow(first, actions) {
    let item = first;
    const words = make("span", { class: "row-words" });
    const bar = make("progress", { max: 1, "aria-label": `Progress of ${first.name}` });
    const picture = make("span", { class: "thumbnail" });
    const main = make(
        "button",
        { type: "button", class: "row-main" },
        picture,
        make(
            "span",
            { class: "row-text" },
            make("span", { class: "row-name", dir: "auto", title: first.name }, first.name),
            words,
        ),
    );
    const download = make("a", { class: "round", "aria-label": `Download ${first.name}` }, icon("download"));
    const remove = make("button", { type: "button", class: "round" }, icon("remove"));
    const element = make("li", {}, main, download, remove, bar);
    let shown = "";

    main.addEventListener("click", () => actions.select(item));
    remove.addEventListener("click", () => (isActive(item) ? actions.stop(item.job) : actions.remove(item)));

    function showPicture() {
        const key = item.result?.id ?? item.id;
        if (key === shown) return;
        shown = key;
        picture.replaceChildren(thumbnail(item));
    }

    return {
        element,
        show(changed, isSelected) {
            item = changed;
            showPicture();
            setText(words, describeItem(item));
            element.classList.toggle("is-wrong", Boolean(item.upload?.error || item.job?.state === "failed"));
            main.setAttribute("aria-current", isSelected);
            bar.hidden = !(item.job?.state === "converting" || (item.upload && !item.upload.error));
            setProgress(bar, item.upload ? item.upload.progress : item.job?.progress);
            download.hidden = !item.result;
            if (item.result) {
                download.href = resultAddress(item.result.id);
                download.download = item.result.result.name;
            }
            remove.setAttribute(
                "aria-label",
                `${isActive(item) ? "Stop converting" : "Remove"} ${item.name}`,
            );
        },
    };
}

/** Whether a file is being converted, or waits for it. */
export function isActive(item) {
    return item.job?.state === "waiting" || item.job?.state === "converting";
}

function describeItem(item) {
    if (item.upload) return item.upload.error ?? (item.upload.progress ? "Sending …" : "Waiting to be sent.");
    if (item.refusal) return item.refusal;
    if (item.result && item.hasChanged && !isActive(item)) return "Ready, with earlier settings.";
    return item.job ? describeJob(item.job) : "Not converted yet.";
}

function thumbnail(item) {
    const isVideo = (item.result?.result.kind ?? item.kind) === "video";
    const address = item.result ? resultAddress(item.result.id) : (item.address ?? fileAddress(item.id));
    const element = isVideo
        ? make("video", { src: `${address}#t=0.1`, muted: true, preload: "metadata", tabIndex: -1 })
        : make("img", { src: address, alt: "" });
    element.setAttribute("aria-hidden", "true");
    element.addEventListener("error", () => element.replaceWith(icon("picture")), { once: true });
    return element;
}
