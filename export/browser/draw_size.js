/**
 * The size at which networks draw, and the way back to the size of the picture.
 *
 * A port of `cartoonize/core/draw_size.py`, which gives the reasons. Pictures are RGBA as in ImageData, drawings RGB.
 */

import { BICUBIC, BILINEAR, Lines, reduce, roundHalfEven } from "./interpolation.js";

/** @typedef {"low" | "normal" | "high" | "full"} Detail */

/** @type {Record<Detail, number>} Pixels of the shorter side of a drawing; 0 keeps the picture's own. */
const LINES = { low: 480, normal: 720, high: 1080, full: 0 };
const MAX_ENLARGEMENT = 4;
const TOLERANCE = 0.05;
const STEP = 4;

/** Names of the details, from coarse to fine. */
export const DETAILS = Object.keys(LINES);

/**
 * Width and height at which a picture of this size is drawn.
 *
 * @param {number} width
 * @param {number} height
 * @param {Detail} detail
 * @returns {[number, number]}
 */
export function drawSize(width, height, detail) {
    if (!(detail in LINES))
        throw new TypeError(`There is no detail "${detail}": choose ${DETAILS.join(", ")}.`);
    const lines = LINES[detail];
    const scale = lines ? Math.min(lines / Math.min(width, height), MAX_ENLARGEMENT) : 1;
    if (Math.abs(scale - 1) <= TOLERANCE) return [width, height];
    const round = (side) => Math.max(STEP, STEP * roundHalfEven((side * scale) / STEP));
    return [round(width), round(height)];
}

/**
 * Resize a picture to the size at which it is drawn: by area averages if it shrinks, bicubic if it grows.
 *
 * @param {Uint8ClampedArray} rgba
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 * @returns {Uint8Array} RGB
 */
export function resizePicture(rgba, from, to) {
    if (from[0] === to[0] && from[1] === to[1]) return dropAlpha(rgba);
    return to[0] * to[1] < from[0] * from[1]
        ? reduce(rgba, 4, from, to)
        : interpolate(dropAlpha(rgba), from, to);
}

/**
 * Resize a drawing to the size of its picture, with edges as sharp as if it had been drawn there.
 *
 * @param {Uint8Array} rgb
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 * @returns {Uint8Array} RGB
 */
export function resizeDrawing(rgb, from, to) {
    const scale = (to[0] * to[1]) / (from[0] * from[1]);
    if (scale > 1) return enlarge(rgb, from, to, Math.sqrt(scale));
    return from[0] === to[0] && from[1] === to[1] ? rgb : reduce(rgb, 3, from, to);
}

function dropAlpha(rgba) {
    const rgb = new Uint8Array((rgba.length / 4) * 3);
    for (let i = 0, o = 0; i < rgba.length; i += 4) {
        rgb[o++] = rgba[i];
        rgb[o++] = rgba[i + 1];
        rgb[o++] = rgba[i + 2];
    }
    return rgb;
}

/** Bicubic interpolation; the array rounds to the nearest integer, or to the even one of two. */
function interpolate(rgb, from, to) {
    const result = new Uint8ClampedArray(to[0] * to[1] * 3);
    const source = new Lines(rgb, from, to, BICUBIC);
    for (let y = 0; y < to[1]; y++) result.set(source.read(y), y * to[0] * 3);
    return new Uint8Array(result.buffer);
}

/** See `enlarge` of draw_size.py. */
function enlarge(rgb, from, to, contrast) {
    const [darkest, lightest] = extremes(rgb, ...from);
    const steepLines = new Lines(steepen(rgb, darkest, lightest, contrast), from, to, BICUBIC);
    const lowLines = new Lines(darkest, from, to, BILINEAR);
    const highLines = new Lines(lightest, from, to, BILINEAR);
    const result = new Uint8Array(to[0] * to[1] * 3);
    for (let y = 0, o = 0; y < to[1]; y++) {
        const [steep, low, high] = [steepLines.read(y), lowLines.read(y), highLines.read(y)];
        for (let i = 0; i < steep.length; i++)
            result[o++] = Math.max(low[i], Math.min(high[i], roundHalfEven(steep[i])));
    }
    return result;
}

/** Raise the contrast of each value about the middle of its neighbours. */
function steepen(rgb, darkest, lightest, contrast) {
    const scaled = Int16Array.from({ length: 256 }, (_, level) => roundHalfEven(level * contrast));
    const opposed = Int16Array.from({ length: 256 }, (_, level) => roundHalfEven(level * (1 - contrast)));
    const steep = new Int16Array(rgb.length);
    for (let i = 0; i < rgb.length; i++) {
        const sum = darkest[i] + lightest[i];
        const middle = (sum + ((sum >> 1) & 1)) >> 1; // of two equally near levels the even one
        steep[i] = Math.max(-32768, Math.min(32767, scaled[rgb[i]] + opposed[middle]));
    }
    return steep;
}

/** The darkest and the lightest of the 3x3 neighbours of each value. */
function extremes(rgb, width, height) {
    const stride = width * 3;
    const darkest = new Uint8Array(rgb.length);
    const lightest = new Uint8Array(rgb.length);
    const low = new Uint8Array(stride);
    const high = new Uint8Array(stride);
    for (let y = 0; y < height; y++) {
        const row = y * stride;
        const above = y > 0 ? row - stride : row;
        const below = y < height - 1 ? row + stride : row;
        for (let i = 0; i < stride; i++) {
            low[i] = Math.min(rgb[above + i], rgb[row + i], rgb[below + i]);
            high[i] = Math.max(rgb[above + i], rgb[row + i], rgb[below + i]);
        }
        for (let i = 0; i < stride; i++) {
            const left = i < 3 ? i : i - 3;
            const right = i + 3 < stride ? i + 3 : i;
            darkest[row + i] = Math.min(low[left], low[i], low[right]);
            lightest[row + i] = Math.max(high[left], high[i], high[right]);
        }
    }
    return [darkest, lightest];
}
