/** The page: a photo or the camera under a slider, and its drawing. */

import { Camera } from "./camera.js";
import { load } from "./cartoonize.js";
import { prepareOffline } from "./offline.js";
import { readPicture } from "./picture.js";

const element = (id) => document.getElementById(id);
const [drawingCanvas, photoCanvas, detail, lines, save] = ["drawing", "photo", "detail", "lines", "save"].map(
    element,
);

const camera = new Camera(drawCameraFrame);
let cartoonizer;
let photo;
let photoName = "";
let latestJob = 0;

start().catch(showError);

async function start() {
    listen();
    await prepareOffline();
    const example = fetch("example.webp").then((response) => response.blob());
    cartoonizer = await load({
        onDownloaded: async () => {
            await example;
            forbidConnections();
        },
    });
    const { device, threads } = cartoonizer;
    const engine =
        device === "webgpu" ? "WebGPU" : `WebAssembly on ${threads} thread${threads > 1 ? "s" : ""}`;
    element("about").textContent = `Networks run by ${engine}.`;
    document.documentElement.dataset.ready = device;
    if (!photo && !camera.isOn) await open(await example, "example");
    else await draw();
}

/** Add a policy to that of the page: from now on neither the page nor its workers can connect to any server. */
function forbidConnections() {
    const policy = document.createElement("meta");
    policy.httpEquiv = "Content-Security-Policy";
    policy.content = "connect-src 'none'";
    document.head.append(policy);
}

function listen() {
    element("file").addEventListener("change", ({ target }) => openFirst(target.files));
    document.addEventListener("paste", ({ clipboardData }) => openFirst(clipboardData.files));
    document.addEventListener("dragover", (event) => {
        event.preventDefault();
        element("stage").classList.add("dropping");
    });
    for (const end of ["dragleave", "drop"])
        document.addEventListener(end, () => element("stage").classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
        event.preventDefault();
        openFirst(event.dataTransfer.files);
    });
    element("styles").addEventListener("change", draw);
    detail.addEventListener("change", draw);
    element("camera").addEventListener("click", toggleCamera);
    save.addEventListener("click", download);
    element("split").addEventListener("input", ({ target }) => {
        element("frame").style.setProperty("--split", `${target.value}%`);
    });
}

function openFirst([file]) {
    if (file) open(file, file.name.replace(/\.\w+$/, "") || "photo");
}

/** Show a photo and draw it; the first one is drawn once the network is loaded. */
async function open(blob, name) {
    element("error").hidden = true;
    try {
        const picture = await readPicture(blob);
        stopCamera();
        [photo, photoName] = [picture, name];
        show(photoCanvas, photo);
        drawingCanvas.width = 0;
        await draw();
    } catch (error) {
        showError(error);
    }
}

async function draw() {
    if (!photo || !cartoonizer || camera.isOn) return;
    const job = ++latestJob;
    const started = performance.now();
    element("stage").classList.add("busy");
    setStatus("Drawing …");
    try {
        const drawing = await cartoonizer.draw(photo, { style: chosenStyle(), detail: detail.value });
        if (job !== latestJob) return; // another photo or style was chosen in the meantime
        show(drawingCanvas, drawing);
        save.disabled = false;
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        setStatus(`${photo.width} × ${photo.height} pixels, drawn in ${seconds} s.`);
    } catch (error) {
        showError(error);
    } finally {
        if (job === latestJob) element("stage").classList.remove("busy");
    }
}

async function toggleCamera() {
    if (camera.isOn) {
        stopCamera();
        if (photo) {
            show(photoCanvas, photo);
            await draw();
        }
        return;
    }
    element("error").hidden = true;
    try {
        await camera.start();
        latestJob++; // a photo that is being drawn is no longer wanted
        setCameraControls(true);
        setStatus("The camera is on.");
    } catch (error) {
        showError(error);
    }
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
    element("stage").classList.remove("busy");
}

/** Draw what the camera sees now. */
async function drawCameraFrame(rate) {
    if (!cartoonizer) return;
    const image = camera.capture(Number(lines.value));
    const drawing = await cartoonizer.draw(image, { style: chosenStyle(), detail: "full" });
    if (!camera.isOn) return;
    show(photoCanvas, image);
    show(drawingCanvas, drawing);
    save.disabled = false;
    const millions = ((image.width * image.height) / 1e6).toFixed(2);
    element("rate").textContent =
        `${rate.toFixed(0)} frames/s at ${image.width} × ${image.height}: ${millions} million pixels`;
}

function show(canvas, image) {
    if (canvas.width !== image.width || canvas.height !== image.height) {
        canvas.width = image.width;
        canvas.height = image.height;
        element("frame").style.setProperty("--ratio", image.width / image.height);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
}

function chosenStyle() {
    return document.querySelector("[name=style]:checked").value;
}

async function download() {
    const name = camera.isOn ? "camera" : photoName;
    const blob = await new Promise((resolve) => drawingCanvas.toBlob(resolve, "image/png"));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name}-${chosenStyle()}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function setStatus(text) {
    element("status").textContent = text;
}

function showError(error) {
    setStatus("");
    element("error").textContent = error.message;
    element("error").hidden = false;
}
