/**
 * Turns pictures into cartoons in the browser. Nothing is uploaded.
 *
 *     import { cartoonize } from "./cartoonize.js";
 *     context.putImageData(await cartoonize(context.getImageData(0, 0, width, height)), 0, 0);
 *
 * styles.json, beside this module, names the styles, and the address of ONNX Runtime Web, which runs them in a worker.
 */

import { RemoteWorker } from "./remote.js";

/** @typedef {import("./draw_size.js").Detail} Detail */
/** @typedef {"wasm" | "webgpu"} Device */

/** @typedef {{file: string, bytes: number}} StyleFile */

/**
 * @typedef {object} Style
 * @property {string} summary
 * @property {string} licence
 * @property {string} credit
 * @property {string} [preview] a picture of a photo and its drawing
 * @property {StyleFile} [int8] for WASM
 * @property {StyleFile} [float] for WebGPU, and for WASM if there is no other
 */

/**
 * @typedef {object} LoadOptions
 * @property {string | URL} [manifest] address of styles.json
 * @property {string} [style] the style to load; by default the first one of styles.json
 * @property {"auto" | Device} [device] what runs the networks; "auto" prefers WebGPU
 * @property {() => void | Promise<void>} [onDownloaded] called when the library and the style are loaded and before they
 *     run; a page can forbid itself all further connections then
 * @property {number} [threads] of WASM; more than one needs a page that is cross-origin isolated
 */

/**
 * @typedef {object} DrawOptions
 * @property {string} [style] name of a style; by default the first one of styles.json
 * @property {Detail} [detail] the size at which the picture is drawn; "normal", 720 lines, by default
 */

const MAX_THREADS = 4; // more hardly help

// The smallest module with an instruction of SIMD, which the library needs.
const SIMD_MODULE = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
    11,
];

/** @type {Promise<Cartoonizer> | undefined} */
let shared;

/**
 * Draw a picture; its size and its transparency stay. The first call loads the library and the style.
 *
 * @param {ImageData} image
 * @param {DrawOptions} [options]
 * @returns {Promise<ImageData>}
 * @throws {Error} a file cannot be loaded, or the picture cannot be drawn
 */
export async function cartoonize(image, options) {
    shared ??= load({ style: options?.style });
    shared.catch(() => (shared = undefined)); // the next call tries again
    return (await shared).draw(image, options);
}

/**
 * Load the library and a style, and start the worker. Other styles are loaded when they are first drawn.
 *
 * @param {LoadOptions} [options]
 * @returns {Promise<Cartoonizer>}
 * @throws {Error} a file cannot be loaded, or the library does not run in this browser
 */
export async function load({ manifest = "./styles.json", device = "auto", ...options } = {}) {
    if (!globalThis.WebAssembly?.validate(Uint8Array.from(SIMD_MODULE)))
        throw new Error(
            "This browser lacks WebAssembly with SIMD. Chrome 91, Firefox 89 and Safari 16.4 have it.",
        );
    const files = new Files(new URL(manifest, import.meta.url));
    try {
        await files.readManifest();
        const style = options.style ?? Object.keys(files.styles)[0];
        if (device !== "auto") return await start(files, { ...options, style, device });
        if (!(await isWebGpuAvailable(files.styles[style])))
            return await start(files, { ...options, style, device: "wasm" });
        return await startWithGpu(files, { ...options, style });
    } catch (error) {
        files.close();
        throw error;
    }
}

/** Use WebGPU, or WASM if the files for it cannot be loaded or do not run. */
async function startWithGpu(files, options) {
    try {
        return await start(files, { ...options, device: "webgpu" });
    } catch (error) {
        const cartoonizer = await start(files, { ...options, device: "wasm" });
        cartoonizer.notice = `WebGPU is not used: ${error.message}`;
        return cartoonizer;
    }
}

/** @param {Files} files @param {any} options */
async function start(files, { style, device, threads = MAX_THREADS, onDownloaded }) {
    const [build, network] = await Promise.all([files.loadBuild(device), files.loadStyle(style, device)]);
    await onDownloaded?.();
    const available = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency || 1 : 1;
    const settings = { style, files: network, device, threads: Math.min(threads, available), ...build };
    const worker = new RemoteWorker(new URL("./worker.js", import.meta.url));
    try {
        return new Cartoonizer(worker, files, style, await worker.call("open", settings));
    } catch (error) {
        worker.end();
        throw error;
    }
}

/** Styles that are ready to draw; made by `load`. */
export class Cartoonizer {
    #worker;
    #files;
    /** @type {Map<string, Promise<void>>} */
    #loaded = new Map();

    constructor(worker, files, first, { device, threads, notice }) {
        this.#worker = worker;
        this.#files = files;
        this.#loaded.set(first, Promise.resolve());
        /** What styles.json says about the styles, by name. */
        this.styles = files.styles;
        /** What runs the networks. It becomes "wasm" if the GPU fails. */
        this.device = device;
        /** Threads of WASM. */
        this.threads = threads;
        /** Why WebGPU is not used, if it was tried. */
        this.notice = notice;
    }

    /**
     * Draw a picture; its size and its transparency stay. Pictures are drawn one after the other.
     *
     * @param {ImageData} image
     * @param {DrawOptions} [options]
     * @returns {Promise<ImageData>}
     * @throws {Error} there is no such style or detail, a file cannot be loaded, or the picture is too large for the memory
     */
    async draw({ width, height, data }, { style = Object.keys(this.styles)[0], detail = "normal" } = {}) {
        await this.#require(style);
        const drawing = await this.#worker.call("draw", { style, detail, width, height, data });
        if (drawing.notice) Object.assign(this, { device: "wasm", notice: drawing.notice });
        return new ImageData(drawing.data, width, height);
    }

    /** End the workers. Drawings that have not been finished fail. */
    close() {
        this.#worker.end();
        this.#files.close();
    }

    #require(style) {
        const known = this.#loaded.get(style);
        if (known) return known;
        const loading = this.#files
            .loadStyle(style, this.device)
            .then((files) => this.#worker.call("add", { style, files }));
        this.#loaded.set(style, loading);
        loading.catch(() => this.#loaded.delete(style));
        return loading;
    }
}

/** Loads files by a worker of its own. */
class Files {
    #loader = new RemoteWorker(new URL("./loader.js", import.meta.url));

    /** @param {URL} manifest address of styles.json */
    constructor(manifest) {
        this.manifest = manifest;
    }

    async readManifest() {
        const manifest = JSON.parse(new TextDecoder().decode(await this.#load(this.manifest)));
        this.library = manifest.library;
        /** @type {Record<string, Style>} */
        this.styles = manifest.styles;
    }

    /** The files of the library for a device. */
    async loadBuild(device) {
        const { url, builds, files } = this.library;
        const folder = new URL(url, this.manifest);
        const load = (file) => this.#load(new URL(file, folder), files[file]);
        const [code, wasm] = await Promise.all(builds[device].map(load));
        return { code, wasm };
    }

    /** The files of a style: the one for WASM, and with a GPU the one for WebGPU too. */
    async loadStyle(name, device) {
        const names = Object.keys(this.styles);
        if (!names.includes(name))
            throw new Error(`There is no style "${name}": choose ${names.join(", ")}.`);
        const { int8, float } = this.styles[name];
        const load = (style) => style && this.#load(new URL(style.file, this.manifest));
        const gpu = device === "webgpu" ? load(float) : undefined;
        const [wasm, webgpu] = await Promise.all([load(int8 ?? float), gpu]);
        return { wasm, webgpu };
    }

    close() {
        this.#loader.end();
    }

    #load(address, integrity) {
        return this.#loader.call("load", { address: address.href, integrity });
    }
}

/** Whether there is a real GPU, and this browser and the style can use it. */
async function isWebGpuAvailable(style) {
    if (!("Suspending" in WebAssembly) || !style?.float) return false;
    const { gpu } = /** @type {any} */ (navigator);
    const adapter = await gpu?.requestAdapter().catch(() => null);
    return Boolean(adapter) && !adapter.info?.isFallbackAdapter;
}
