/** Reads the pictures that the browser can decode. */

/**
 * The first picture of a file, upright as its EXIF data says, in sRGB.
 *
 * @param {Blob} blob
 * @returns {Promise<ImageData>}
 * @throws {Error} the browser cannot decode it, or it is too large for the memory
 */
export async function readPicture(blob) {
    const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none" }).catch(() => null);
    if (!bitmap) throw new Error(await explain(blob));
    try {
        const image = readFromCanvas(bitmap);
        return isOpaque(image) ? image : (readFromWebGl(bitmap) ?? image);
    } catch {
        throw new Error(`A picture of ${bitmap.width} × ${bitmap.height} is too large for this browser.`);
    } finally {
        bitmap.close();
    }
}

function readFromCanvas(bitmap) {
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", {
        willReadFrequently: true,
    });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** With the colours of transparent pixels, which a 2D canvas would lose. Null without WebGL, or if too large. */
function readFromWebGl(bitmap) {
    const { width, height } = bitmap;
    const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
    if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    const image = new ImageData(width, height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(image.data.buffer));
    return gl.getError() ? null : image;
}

function isOpaque({ data }) {
    for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return false;
    return true;
}

async function explain(blob) {
    const name = blob.name || "the picture";
    const head = await blob.slice(4, 12).text();
    if (/^ftyp(hei|hev|mif1|msf1)/.test(head))
        return `This browser cannot decode HEIC photos, such as ${name}. Safari can; or save the photo as JPEG.`;
    if (blob.type.startsWith("video/"))
        return `${name} is a video. This page converts photos and the camera; the program converts videos too.`;
    return `This browser cannot decode ${name}. JPEG, PNG, WebP and AVIF work.`;
}
