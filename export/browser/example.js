/** The example page: one photo, one drawing. */

import { cartoonize } from "./cartoonize.js";

const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("cartoon"));
const status = document.getElementById("status");

document.getElementById("file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    status.textContent = "Drawing …";
    try {
        const photo = await createImageBitmap(file);
        canvas.width = photo.width;
        canvas.height = photo.height;
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(photo, 0, 0);
        const drawing = await cartoonize(context.getImageData(0, 0, photo.width, photo.height));
        context.putImageData(drawing, 0, 0);
        canvas.hidden = false;
        status.textContent = "";
    } catch (error) {
        status.textContent =
            error.name === "InvalidStateError"
                ? "This browser cannot read the file. JPEG and PNG work."
                : error.message;
    }
});
