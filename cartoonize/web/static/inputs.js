// Takes files from the button, the clipboard, and drops.

import { find } from "./dom.js";

/** Calls `addFiles` with the files that the visitor gives, and `convert` when the form is submitted. */
export function connectInputs({ addFiles, convert }) {
    const input = find("file");
    for (const button of document.querySelectorAll(".choose"))
        button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
        addFiles(input.files);
        input.value = "";
    });
    find("settings").addEventListener("submit", (event) => {
        event.preventDefault();
        convert();
    });
    document.addEventListener("paste", (event) => addFiles(event.clipboardData?.files ?? []));
    connectDrop(addFiles);
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
    document.addEventListener("drop", (event) => {
        showVeil(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        addFiles(event.dataTransfer.files);
    });
}
