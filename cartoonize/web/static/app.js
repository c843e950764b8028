// The page: takes files, has them converted in turn, and shows them.

import { find, make, reveal, setText } from "./dom.js";
import { connectInputs } from "./inputs.js";
import { announce, hideMessage, showMessage } from "./messages.js";
import { createPreviews } from "./previews.js";
import { createQueue, isActive } from "./queue.js";
import * as server from "./server.js";
import { createSettings, differ } from "./settings.js";
import { createViewer } from "./viewer.js";
import { describeLeftOut, join, megabytes } from "./words.js";

const state = {
    files: [], // as the server describes them
    listed: [], // the ids of the files in the last event
    jobs: [], // as the server describes them
    uploads: [], // files that are being sent: {id, name, kind, address, file, removal, progress, error}
    local: new Map(), // by the id of a file: its address in this browser
    refusals: new Map(), // by the id of a file: why it is not converted
    removed: new Set(), // the ids of files that the visitor removed
    seen: new Map(), // by the id of a job: its state in the last event
    selected: null, // the id of the file in the large view
    follows: true, // whether the large view goes to each new result
    isConnected: false,
};
let settings;
let maxUpload = Infinity; // bytes
let suffixes = []; // of the files that the server reads
const viewer = createViewer(find("viewer"), { stop: stopJob, convertAgain: (item) => convertAll([item]) });
const previews = createPreviews(render);
const queue = createQueue(find("list"), { select: selectItem, stop: stopJob, remove: removeItem });

async function open() {
    window.addEventListener("beforeunload", warn);
    connectInputs({ addFiles, convert: () => convertAll(nextItems(items())) });
    const info = await server.readInfo();
    settings = createSettings(info.styles, render);
    maxUpload = info.limits.upload;
    suffixes = info.suffixes;
    showLimits(info);
    find("examples").append(...info.examples.map(exampleButton));
    server.watch(updateState, updateConnection);
}

/** All files, each with its latest job and its latest result. */
function items() {
    const wanted = settings.read();
    const known = state.files.map((file) => {
        const jobs = state.jobs.filter((job) => job.file === file.id);
        const result = jobs.findLast((job) => job.result !== null);
        return {
            ...file,
            address: state.local.get(file.id) ?? server.fileAddress(file.id),
            job: jobs.at(-1),
            result,
            hasChanged: result !== undefined && differ(result.settings, wanted),
            refusal: state.refusals.get(file.id),
        };
    });
    return [...known, ...state.uploads.map((upload) => ({ ...upload, upload }))];
}

/** What the button converts: all files without a result; if there are none, the selected one again. */
function nextItems(all) {
    const free = all.filter((item) => !item.upload && !isActive(item));
    const fresh = free.filter((item) => !item.result && item.job?.state !== "failed");
    if (fresh.length) return fresh;
    return free.filter((item) => item.id === state.selected && (item.hasChanged || !item.result));
}

function render() {
    const all = items();
    if (!all.some((item) => item.id === state.selected)) state.selected = all[0]?.id ?? null;
    const selected = all.find((item) => item.id === state.selected);
    find("welcome").hidden = all.length > 0;
    document.body.classList.toggle("has-files", all.length > 0);
    find("viewer").hidden = find("files").hidden = !selected;
    find("download-all").hidden = all.filter((item) => item.result).length < 2;
    queue.show(all, state.selected);
    const preview = findPreview(selected, all.some(isActive));
    settings.showPreviews(preview?.styles ?? {});
    const shown = selected ? viewer.show({ ...selected, preview }) : viewer.forget();
    showButton(all);
    document.title = pageTitle(all);
    return shown;
}

/** The previews of the selected file that are loaded. */
function findPreview(selected, isConverting) {
    if (selected && !selected.upload)
        return previews.of(selected.id, settings.read(), settings.styles, isConverting);
    previews.pause();
    return null;
}

function showButton(all) {
    const next = nextItems(all);
    const button = find("start");
    button.disabled = next.length === 0 || !state.isConnected;
    const isAgain = next.some((item) => item.result);
    const isOther = next.length === 1 && next[0].id !== state.selected;
    const object = next.length > 1 ? ` ${next.length} files` : isOther ? ` ${next[0].name}` : "";
    setText(button, isAgain ? "Convert again" : `Convert${object}`);
}

/** Have the browser ask before it closes the page, which ends uploads and conversions. */
function warn(event) {
    if (!state.isConnected) return; // no server works for this page
    const isSending = state.uploads.some(({ error }) => !error);
    if (isSending || state.jobs.some((job) => isActive({ job }))) event.preventDefault();
}

function pageTitle(all) {
    const left = all.filter(isActive).length;
    return left ? `${left} to convert · cartoonize` : "cartoonize";
}

/** Render, and scroll to the large view when its picture is visible. */
function renderAndReveal() {
    render()?.then(() => reveal(find("viewer")));
}

function updateState({ files, jobs }) {
    // Only files that the server has listed can be lost: an event may be older than the answer to an upload.
    const isLost = state.listed.some((id) => !files.some((file) => file.id === id) && !state.removed.has(id));
    Object.assign(state, { files, jobs, listed: files.map(({ id }) => id) });
    if (isLost && !files.length)
        showMessage("The server was restarted, or an hour has passed. Add your files again.");
    const ended = jobs.filter((job) => job.state !== state.seen.get(job.id) && state.seen.has(job.id));
    for (const job of jobs) state.seen.set(job.id, job.state);
    for (const job of ended) showEnd(job);
    render();
}

/** Announce that a job has ended, and show its result, unless the visitor has selected another file. */
function showEnd(job) {
    if (job.state === "failed") announce(`${job.name}: ${job.error}`);
    if (job.state !== "done") return;
    announce(`${job.name} is ready.`);
    if (!state.follows && state.selected !== job.file) return;
    state.selected = job.file;
    renderAndReveal();
}

function updateConnection(isConnected) {
    if (state.isConnected === isConnected) return;
    state.isConnected = isConnected;
    if (isConnected) hideMessage();
    else showMessage("The server does not answer. Start cartoonize web again; this page will reconnect.");
    render();
}

/** Hide the message about an earlier action, but not that the server does not answer. */
function clearMessage() {
    if (state.isConnected) hideMessage();
}

/** Send the pictures and videos among files, and say which others are left out, or `problem`. */
async function addFiles(chosen, problem = "") {
    const files = chosen.map((item) => ({ ...item, name: item.file.name || "pasted.png" })); // pasted without one
    await opened;
    if (!settings || !(files.length || problem)) return;
    clearMessage();
    const others = files.filter((item) => !isMedia(item)).map(({ name }) => name);
    if (problem || others.length) showMessage(problem || describeLeftOut(others));
    const added = files.filter(isMedia).map(({ file, name }) => ({
        id: `local ${crypto.randomUUID?.() ?? Math.random()}`,
        name,
        kind: file.type.startsWith("video/") ? "video" : "picture",
        address: URL.createObjectURL(file),
        file,
        removal: new AbortController(),
        progress: 0,
    }));
    if (!added.length) return;
    state.uploads.push(...added);
    state.selected = added[0].id;
    render();
    for (const upload of added) await send(upload);
    if (document.activeElement === document.body) find("start").focus({ preventScroll: true });
}

/**
 * Whether a file may be a picture or a video, by its name and its type. Files in folders have to be named like one;
 * others may have any name, unless the browser knows that they are something else.
 */
function isMedia({ file, name, isFound }) {
    const lower = name.toLowerCase();
    if (suffixes.some((suffix) => lower.endsWith(suffix)) || file.type.startsWith("video/")) return true;
    return !isFound && /^$|^image\/|^application\/octet-stream$/.test(file.type);
}

async function send(upload) {
    const { signal } = upload.removal;
    if (signal.aborted) return;
    const onProgress = (progress) => {
        upload.progress = progress;
        render();
    };
    try {
        checkSize(upload.file);
        const known = await server.addFile(upload.file, upload.name, onProgress, signal);
        state.local.set(known.id, upload.address);
        if (state.selected === upload.id) state.selected = known.id;
        addKnown(known);
        state.uploads = state.uploads.filter((other) => other !== upload);
    } catch (error) {
        if (signal.aborted) return;
        upload.error = error.message;
        announce(`${upload.name}: ${error.message}`);
    }
    render();
}

/** Refuse a file at once that the server would refuse after the browser has sent all of it. */
function checkSize({ size }) {
    if (size <= maxUpload) return;
    const advice = "Send a smaller file, or start the server with a higher --max-upload.";
    throw new Error(
        `The file has ${megabytes(size)}; this page accepts up to ${megabytes(maxUpload)}. ${advice}`,
    );
}

async function addExample(name) {
    clearMessage();
    try {
        const file = await server.addExample(name);
        addKnown(file);
        state.selected = file.id;
        render();
        await convertAll(items().filter((item) => item.id === file.id));
    } catch (error) {
        showMessage(error.message);
    }
}

/** Add a file that the server has, unless an event was faster. */
function addKnown(file) {
    if (state.files.every((other) => other.id !== file.id)) state.files = [...state.files, file];
}

async function convertAll(chosen) {
    clearMessage();
    const wanted = settings.read();
    state.follows = true;
    for (const item of chosen) {
        try {
            const job = await server.convert(item.id, wanted);
            state.refusals.delete(item.id);
            if (state.jobs.every((other) => other.id !== job.id)) state.jobs = [...state.jobs, job];
            if (!state.seen.has(job.id)) state.seen.set(job.id, job.state);
        } catch (error) {
            state.refusals.set(item.id, error.message);
        }
    }
    if (chosen.length) {
        state.selected = chosen[0].id;
        renderAndReveal();
    }
}

function selectItem(item) {
    state.selected = item.id;
    state.follows = false;
    renderAndReveal();
}

async function stopJob(job) {
    await server.stop(job.id).catch((error) => showMessage(error.message));
}

async function removeItem(item) {
    state.removed.add(item.id);
    item.upload?.removal.abort();
    state.uploads = state.uploads.filter((upload) => upload.id !== item.id);
    state.files = state.files.filter((file) => file.id !== item.id);
    state.local.delete(item.id);
    URL.revokeObjectURL(item.address); // of a file that was chosen here
    previews.forget(item.id);
    render();
    if (!item.upload) await server.removeFile(item.id).catch((error) => showMessage(error.message));
}

function exampleButton(example) {
    const picture = make("img", { src: server.exampleAddress(example.name), alt: "", width: 96, height: 96 });
    const button = make(
        "button",
        { type: "button", "aria-label": `Try ${example.title.toLowerCase()}` },
        picture,
    );
    button.addEventListener("click", () => addExample(example.name));
    return button;
}

function showLimits({ limits, examples }) {
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    find("place").textContent = local ? "this computer" : "the computer that serves this page";
    const accepted = [megabytes(limits.upload), `${limits.pixels / 1e6} million pixels`];
    if (limits.seconds !== null) accepted.push(`${limits.seconds} seconds of video`);
    find("limits").textContent =
        `Up to ${join(accepted)} for each file. ` +
        "Only you can read your files here. The server removes them after an hour.";
    const credits = examples.map(({ title, credit }) => `${title}: ${credit}`).join(". ");
    find("credits").textContent = `${credits}. Face of the styles: Eileen Collins, NASA, public domain.`;
}

const opened = open().catch((error) => showMessage(error.message));
