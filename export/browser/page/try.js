/** The page: a photo or the camera under a slider, and its drawing. */

import { Camera } from "./camera.js";
import { load } from "./cartoonize.js";
import { prepareOffline } from "./offline.js";
import { readPicture } from "./picture.js";
import { chosenStyle, showStyles } from "./styles.js";

const element = (id) => document.getElementById(id);
const [drawingCanvas, photoCanvas, detail, lines, save] = ["drawing", "photo", "detail", "lines", "save"].map(
    element,
);

const camera = new Camera(drawCameraFrame, (error) => {
    stopCamera();
    showError(error);
});
let cartoonizer;
let photo;
let photoName = "";
let latestFile = 0;
let isDrawing = false;
let isStale = false; // whether the photo, the style or the detail has changed since the drawing began
let shown = ""; // the name of the drawing that is shown

start().catch(showError);

async function start() {
    listen();
    await prepareOffline();
    await showStyles();
    const example = fetch("example.webp").then((response) => response.blob());
    cartoonizer = await load({
        style: chosenStyle(),
        onDownloaded: async () => {
            await example;
            forbidConnections();
        },
    });
    showEngine();
    document.documentElement.dataset.ready = cartoonizer.device;
    if (latestFile === 0 && !camera.isOn) await open(await example, "example");
    else await draw();
}

/** From now on neither the page nor the worker that draws can connect to a server. */
function forbidConnections() {
    const policy = document.createElement("meta");
    policy.httpEquiv = "Content-Security-Policy";
    policy.content = "connect-src 'none'; img-src blob: data:";
    document.head.append(policy);
}

function listen() {
    element("file").addEventListener("change", ({ target }) => {
        openFirst(target.files);
        target.value = ""; // the same file can be chosen again
    });
    document.addEventListener("paste", ({ clipboardData }) =>
        openFirst(clipboardData.files, "The clipboard holds no picture. Copy a picture, and paste it here."),
    );
    document.addEventListener("dragover", (event) => {
        event.preventDefault();
        element("stage").classList.add("dropping");
    });
    for (const end of ["dragleave", "drop"])
        document.addEventListener(end, () => element("stage").classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        openFirst(
            event.dataTransfer.files,
            "That was no file. Save the picture first, and drop its file here.",
        );
    });
    element("styles").addEventListener("change", draw);
    detail.addEventListener("change", draw);
    element("camera").addEventListener("click", toggleCamera);
    save.addEventListener("click", () => download().catch(showError));
    element("split").addEventListener("input", ({ target }) => {
        element("frame").style.setProperty("--split", `${target.value}%`);
    });
}

function openFirst([file], otherwise) {
    if (file) open(file, file.name.replace(/\.\w+$/, "") || "photo");
    else if (otherwise) showError(new Error(otherwise));
}

/** Show a photo, and draw it when the network is loaded. */
async function open(blob, name) {
    const file = ++latestFile;
    hideError();
    try {
        const picture = await readPicture(blob);
        if (file !== latestFile) return; // another one was chosen meanwhile
        stopCamera();
        [photo, photoName] = [picture, name];
        show(photoCanvas, photo);
        drawingCanvas.width = 0;
        save.disabled = true;
        await draw();
    } catch (error) {
        if (file === latestFile) showError(error);
    }
}

/** Draw the photo, and draw again what was chosen meanwhile. */
async function draw() {
    isStale = true;
    if (isDrawing) return;
    isDrawing = true;
    element("stage").classList.add("busy");
    while (isStale && photo && cartoonizer && !camera.isOn) await drawPhoto();
    element("stage").classList.remove("busy");
    isDrawing = false;
}

async function drawPhoto() {
    isStale = false;
    hideError();
    setStatus("Drawing …");
    const [style, picture, started] = [chosenStyle(), photo, performance.now()];
    try {
        const drawing = await cartoonizer.draw(picture, { style, detail: detail.value });
        if (isStale || camera.isOn) return;
        show(drawingCanvas, drawing);
        shown = `${photoName}-${style}`;
        save.disabled = false;
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        setStatus(`${picture.width} × ${picture.height} pixels, drawn in ${seconds} s.`);
        showEngine();
    } catch (error) {
        if (!isStale) showError(error);
    }
}

async function toggleCamera() {
    hideError();
    if (camera.isOn) {
        stopCamera();
        if (photo) show(photoCanvas, photo);
        await draw();
        return;
    }
    element("camera").disabled = true;
    try {
        await camera.start();
        latestFile++; // a photo that is being read is no longer wanted
        setCameraControls(true);
        setStatus("The camera is on.");
    } catch (error) {
        showError(error);
    }
    element("camera").disabled = false;
}

function stopCamera() {
    camera.stop();
    setCameraControls(false);
}

function setCameraControls(isOn) {
    element("camera").setAttribute("aria-pressed", isOn);
    element("lines-field").hidden = !isOn;
    element("detail-field").hidden = isOn;
    element("rate").hidden = !isOn;
}

/** Draw what the camera sees now. */
async function drawCameraFrame(rate) {
    if (!cartoonizer) return;
    const [image, style] = [camera.capture(Number(lines.value)), chosenStyle()];
    const drawing = await cartoonizer.draw(image, { style, detail: "full" });
    if (!camera.isOn) return;
    show(photoCanvas, image);
    show(drawingCanvas, drawing);
    shown = `camera-${style}`;
    save.disabled = false;
    const { width, height } = image;
    const millions = ((width * height) / 1e6).toFixed(2);
    element("rate").textContent =
        `${rate.toFixed(0)} frames/s at ${width} × ${height}: ${millions} million pixels`;
}

function show(canvas, image) {
    if (canvas.width !== image.width || canvas.height !== image.height) {
        canvas.width = image.width;
        canvas.height = image.height;
        element("frame").style.setProperty("--ratio", image.width / image.height);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
}

async function download() {
    const blob = await new Promise((resolve) => drawingCanvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("This browser cannot write a PNG of this size.");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${shown}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function showEngine() {
    const { device, threads, notice } = cartoonizer;
    const wasm = `WebAssembly on ${threads} thread${threads > 1 ? "s" : ""}`;
    element("about").textContent = `Networks run by ${device === "webgpu" ? "WebGPU" : wasm}. ${notice}`;
}

function setStatus(text) {
    element("status").textContent = text;
}

function hideError() {
    element("error").hidden = true;
}

function showError(error) {
    if (!isDrawing) setStatus("");
    element("error").textContent = error.message;
    element("error").hidden = false;
}
