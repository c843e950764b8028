/** Draws pictures, in a worker that cartoonize.js starts. */

import { drawSize, resizeDrawing, resizePicture } from "./draw_size.js";
import { answer } from "./remote.js";

const MAX_GPU_TIME = 100; // milliseconds for the test picture

let ort;
let device;
const styles = new Map();
const sessions = new Map();

answer({ open, add, draw }, describe);

/** Start the library, and the first style to see whether it runs. */
async function open({ code, wasm, threads, device: wanted, style, files }) {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    ort = await import(address);
    ort.env.wasm.wasmBinary = wasm;
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
    await add({ style, files });
    await openSession(style, "wasm");
    device = wanted;
    const fault = device === "webgpu" ? await testGpu(style) : "";
    return { device, threads, notice: fault && useWasm(fault) };
}

/** Remember the files of a style. */
async function add({ style, files }) {
    styles.set(style, files);
}

async function draw({ style, detail, width, height, data }) {
    const size = /** @type {[number, number]} */ ([width, height]);
    const drawn = drawSize(width, height, detail);
    const picture = resizePicture(data, size, drawn);
    let notice = "";
    const drawing = await run(style, device, picture, drawn).catch((error) => {
        if (device === "wasm") throw error;
        notice = useWasm("the GPU failed");
        return run(style, device, picture, drawn);
    });
    const rgb = resizeDrawing(drawing, drawn, size);
    for (let i = 0, o = 0; i < rgb.length; o += 4) {
        data[o] = rgb[i++];
        data[o + 1] = rgb[i++];
        data[o + 2] = rgb[i++];
    }
    return { data, notice };
}

/** Draw without the GPU from now on; return a sentence for people. */
function useWasm(fault) {
    device = "wasm";
    return `WebGPU is not used: ${fault}.`;
}

async function run(style, provider, rgb, [width, height]) {
    const session = await openSession(style, provider);
    const output = await session.run({ images: new ort.Tensor("uint8", rgb, [1, height, width, 3]) });
    return output.cartoons.data;
}

/** The session of a style; a style without a file for the GPU is drawn by WASM. */
async function openSession(style, provider) {
    const files = styles.get(style);
    const file = files[provider] ?? files.wasm;
    const known = sessions.get(file);
    if (known) return known;
    const isGpu = provider === "webgpu" && file === files.webgpu;
    const session = await ort.InferenceSession.create(new Uint8Array(file), {
        executionProviders: isGpu ? ["webgpu", "wasm"] : ["wasm"],
        logSeverityLevel: 3,
    });
    sessions.set(file, session);
    return session;
}

/** What is wrong with the GPU: some compute wrong results, and some are emulated. */
async function testGpu(style) {
    const side = 96;
    const picture = Uint8Array.from({ length: side * side * 3 }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
        return (x - 48) ** 2 + (y - 48) ** 2 < 900 ? 230 - x : 40 + y + 20 * (i % 3);
    });
    try {
        const cpu = await run(style, "wasm", picture, [side, side]);
        await run(style, "webgpu", picture, [side, side]); // compiles the shaders
        const start = performance.now();
        const gpu = await run(style, "webgpu", picture, [side, side]);
        if (performance.now() - start > MAX_GPU_TIME) return "the GPU is slow";
        const difference = cpu.reduce((sum, value, i) => sum + Math.abs(value - gpu[i]), 0) / cpu.length;
        // The mean difference between drawings in integers and in floats is about one level.
        return difference < 4 ? "" : "the GPU draws wrong pictures";
    } catch {
        return "the GPU failed";
    }
}

/** The sentence of an error. The library throws numbers where its memory is used up. */
function describe(error) {
    const message = error instanceof Error ? error.message : String(error);
    if (typeof error === "number" || error instanceof RangeError || /memory|alloc/i.test(message))
        return "The picture is too large for this browser's memory: choose a lower detail, or make it smaller.";
    return message;
}
