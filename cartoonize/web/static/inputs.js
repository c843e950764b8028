// Takes files from the button, the clipboard, and drops.

import { find } from "./dom.js";

/**
 * Calls `addFiles` with the files that the visitor gives, and a sentence if some cannot be read; of each it says
 * whether it was found in a folder. Calls `convert` when the form is submitted.
 */
export function connectInputs({ addFiles, convert }) {
    const input = find("file");
    for (const button of document.querySelectorAll(".choose"))
        button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
        addFiles(named(input.files)); // copied, as the browser empties its list
        input.value = "";
    });
    find("settings").addEventListener("submit", (event) => {
        event.preventDefault();
        convert();
    });
    document.addEventListener("paste", (event) => addFiles(named(event.clipboardData?.files ?? [])));
    connectDrop(addFiles);
}

/** Files that the visitor names, each by itself. */
function named(files) {
    return [...files].map((file) => ({ file, isFound: false }));
}

function connectDrop(addFiles) {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    const showVeil = (isShown) => document.body.classList.toggle("is-dragging", isShown);
    document.addEventListener("dragover", (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        showVeil(true);
    });
    document.addEventListener("dragleave", (event) => {
        if (event.relatedTarget === null) showVeil(false);
    });
    document.addEventListener("drop", async (event) => {
        showVeil(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        const { files, isWhole } = await readDrop(event.dataTransfer);
        if (!isWhole) addFiles(files, "A folder cannot be read. Choose its files instead.");
        else addFiles(files, files.length ? "" : "The folder holds no picture or video.");
    });
}

/** The dropped files, and those in dropped folders; and whether all folders could be read. */
async function readDrop({ items }) {
    const dropped = [...items]
        .filter(({ kind }) => kind === "file")
        .map((item) => [item.getAsFile(), item.webkitGetAsEntry()]); // before the event ends, which forgets them
    const reads = dropped.map(([file, entry]) => (entry?.isDirectory ? readFolder(entry) : named([file])));
    const results = await Promise.allSettled(reads);
    const files = results.flatMap(({ value }) => value ?? []);
    return { files, isWhole: results.every(({ status }) => status === "fulfilled") };
}

/** The files of a folder and its subfolders, without hidden ones. */
async function readFolder(folder) {
    const reader = folder.createReader();
    const files = [];
    for (;;) {
        const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!entries.length) return files;
        for (const entry of entries) {
            if (isHidden(entry)) continue;
            if (entry.isDirectory) files.push(...(await readFolder(entry)));
            else {
                const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
                files.push({ file, isFound: true });
            }
        }
    }
}

/** Whether systems hide a file or folder; two have their names on Windows. */
function isHidden({ name }) {
    return name.startsWith(".") || /^(thumbs\.db|desktop\.ini)$/i.test(name);
}
