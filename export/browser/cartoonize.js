/**
 * Turns pictures into cartoons in the browser. Nothing is uploaded.
 *
 *     import { cartoonize } from "./cartoonize.js";
 *     context.putImageData(await cartoonize(context.getImageData(0, 0, width, height)), 0, 0);
 *
 * The networks run in a worker, by ONNX Runtime Web. styles.json, beside this module, names the styles and says where
 * that library is.
 */

/** @typedef {import("./draw_size.js").Detail} Detail */
/** @typedef {{summary: string, licence: string, credit: string, int8?: string, float?: string}} Style */

/**
 * @typedef {object} LoadOptions
 * @property {string | URL} [manifest] address of styles.json
 * @property {"auto" | "wasm" | "webgpu"} [device] what runs the networks; "auto" prefers WebGPU
 * @property {() => void | Promise<void>} [onDownloaded] called when all files are loaded and before they run; a page can
 *     forbid all further connections then
 * @property {number} [threads] of WASM; more than one needs a page that is cross-origin isolated
 */

/**
 * @typedef {object} DrawOptions
 * @property {string} [style] name of a style; by default the first one of styles.json
 * @property {Detail} [detail] the size at which the picture is drawn; "normal", 720 lines, by default
 */

const MAX_THREADS = 4; // more hardly help networks of this size

/** @type {Promise<Cartoonizer> | undefined} */
let shared;

/**
 * Draw a picture; its size and its transparency stay. The first call loads the library and the styles.
 *
 * @param {ImageData} image
 * @param {DrawOptions} [options]
 * @returns {Promise<ImageData>}
 * @throws {Error} a file cannot be loaded, or the picture cannot be drawn
 */
export async function cartoonize(image, options) {
    shared ??= load();
    shared.catch(() => (shared = undefined)); // the next call tries again
    return (await shared).draw(image, options);
}

/**
 * Load the library and all styles, and start the worker. After this nothing is requested from any server.
 *
 * @param {LoadOptions} [options]
 * @returns {Promise<Cartoonizer>}
 * @throws {Error} a file cannot be loaded, or the library does not run in this browser
 */
export async function load({ manifest = "./styles.json", device = "auto", threads, onDownloaded } = {}) {
    const address = new URL(manifest, import.meta.url);
    const { library, styles } = JSON.parse(new TextDecoder().decode(await download(address)));
    const gpu = device === "webgpu" || (device === "auto" && (await isWebGpuUsable(styles)));
    const build = library.builds[gpu ? "webgpu" : "wasm"].map((file) =>
        download(new URL(file, new URL(library.url, address)), library.files[file]),
    );
    const [files, code, wasm] = await Promise.all([downloadStyles(styles, address, gpu), ...build]);
    const available = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency || 1 : 1;
    const settings = {
        code,
        wasm,
        files,
        device: gpu ? "webgpu" : "wasm",
        threads: Math.min(threads ?? MAX_THREADS, available),
    };
    await onDownloaded?.();
    const worker = new RemoteWorker(new URL("./worker.js", import.meta.url));
    try {
        return new Cartoonizer(worker, styles, await worker.call("open", settings));
    } catch (error) {
        worker.end();
        throw error;
    }
}

/** Styles that are ready to draw; made by `load`. */
export class Cartoonizer {
    #worker;

    /**
     * @param {RemoteWorker} worker
     * @param {Record<string, Style>} styles
     * @param {{device: "wasm" | "webgpu", threads: number}} opened
     */
    constructor(worker, styles, { device, threads }) {
        this.#worker = worker;
        /** What styles.json says about the styles, by name. */
        this.styles = styles;
        /** What runs the networks. */
        this.device = device;
        /** Threads of WASM. */
        this.threads = threads;
    }

    /**
     * Draw a picture; its size and its transparency stay. Pictures are drawn one after the other.
     *
     * @param {ImageData} image
     * @param {DrawOptions} [options]
     * @returns {Promise<ImageData>}
     * @throws {Error} there is no such style or detail, or the picture is too large for the memory
     */
    async draw({ width, height, data }, { style = Object.keys(this.styles)[0], detail = "normal" } = {}) {
        const pixels = await this.#worker.call("draw", { style, detail, width, height, data });
        return new ImageData(pixels, width, height);
    }

    /** End the worker. Drawings that have not been finished fail. */
    close() {
        this.#worker.end();
    }
}

/** Calls the functions of a worker. */
class RemoteWorker {
    #calls = new Map();
    #count = 0;
    #worker;

    /** @param {URL} script */
    constructor(script) {
        // A worker from a blob has the Content-Security-Policy of the page. Others have none unless the server sends it.
        const source = new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" });
        const address = URL.createObjectURL(source);
        this.#worker = new Worker(address, { type: "module" });
        this.#worker.onmessage = ({ data: { id, result, error } }) => {
            const { resolve, reject } = this.#calls.get(id);
            this.#calls.delete(id);
            if (error) reject(new Error(error));
            else resolve(result);
        };
        this.#worker.onerror = (event) => this.#fail(event.message || `${script} cannot be loaded.`);
    }

    call(command, settings) {
        const id = this.#count++;
        return new Promise((resolve, reject) => {
            this.#calls.set(id, { resolve, reject });
            this.#worker.postMessage({ id, command, settings });
        });
    }

    end() {
        this.#worker.terminate();
        this.#fail("The worker was closed.");
    }

    #fail(message) {
        for (const { reject } of this.#calls.values()) reject(new Error(message));
        this.#calls.clear();
    }
}

/** Whether there is a real GPU, and this browser and a style can use it. */
async function isWebGpuUsable(styles) {
    if (!("Suspending" in WebAssembly) || !Object.values(styles).some(({ float }) => float)) return false;
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    return Boolean(adapter) && !adapter.info?.isFallbackAdapter;
}

/** The files of each style: the one for WASM, and with a GPU the one for WebGPU too. */
async function downloadStyles(styles, address, gpu) {
    const get = (file) => file && download(new URL(file, address));
    const entries = Object.entries(styles).map(async ([name, { int8, float }]) => {
        const [wasm, webgpu] = await Promise.all([get(int8 ?? float), gpu ? get(float) : undefined]);
        return [name, { wasm, webgpu }];
    });
    return Object.fromEntries(await Promise.all(entries));
}

/** Load a file. With `integrity`, a hash, other contents are refused. */
async function download(address, integrity = "") {
    const response = await fetch(address, { integrity }).catch(() => null);
    if (!response?.ok)
        throw new Error(`${address} cannot be loaded${response ? ` (${response.status})` : ""}.`);
    return response.arrayBuffer();
}
