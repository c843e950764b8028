/**
 * The size at which networks draw, and the way back to the size of the picture.
 *
 * A port of `cartoonize/core/draw_size.py`, which gives the reasons, and of the three interpolations of OpenCV that
 * it uses (`modules/imgproc/src/resize.cpp`). Pictures are RGBA as in ImageData, drawings RGB.
 */

/** @typedef {"low" | "normal" | "high" | "full"} Detail */

/** @type {Record<Detail, number>} Pixels of the shorter side of a drawing; 0 keeps the picture's own. */
const LINES = { low: 480, normal: 720, high: 1080, full: 0 };
const MAX_ENLARGEMENT = 4;
const TOLERANCE = 0.05;
const STEP = 4;
const WEIGHT_LEVELS = 2048; // of 1, for INTER_LINEAR

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
        : interpolateBytes(dropAlpha(rgba), from, to);
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

/** Nearest integer; of two equally near ones the even one, as in Python and OpenCV. */
function roundHalfEven(value) {
    const floor = Math.floor(value);
    const rest = value - floor;
    return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
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

/** Average areas, as INTER_AREA does in float32. `channels` is 4 or 3; the fourth is dropped. */
function reduce(pixels, channels, [width, height], [newWidth, newHeight]) {
    if (width === 2 * newWidth && height === 2 * newHeight) return halve(pixels, channels, width, height);
    const columns = areas(width, newWidth);
    const rows = areas(height, newHeight);
    const result = new Uint8Array(newWidth * newHeight * 3);
    const line = new Float32Array(newWidth * 3);
    const sums = new Float32Array(newWidth * 3);
    for (let y = 0; y < newHeight; y++) {
        sums.fill(0);
        for (const [row, rowWeight] of rows[y]) {
            averageLine(pixels, row * width * channels, channels, columns, line);
            for (let i = 0; i < sums.length; i++) sums[i] += Math.fround(rowWeight * line[i]);
        }
        for (let i = 0, o = y * sums.length; i < sums.length; i++) result[o++] = roundHalfEven(sums[i]);
    }
    return result;
}

/** The same for half the size, where OpenCV rounds upwards. */
function halve(pixels, channels, width, height) {
    const result = new Uint8Array((width / 2) * (height / 2) * 3);
    const [right, below] = [channels, width * channels];
    for (let y = 0, o = 0; y < height; y += 2)
        for (let x = 0; x < width; x += 2)
            for (let c = 0; c < 3; c++) {
                const i = (y * width + x) * channels + c;
                result[o++] =
                    (pixels[i] + pixels[i + right] + pixels[i + below] + pixels[i + right + below] + 2) >> 2;
            }
    return result;
}

function averageLine(pixels, start, channels, columns, line) {
    for (let x = 0, o = 0; x < columns.length; x++, o += 3) {
        let red = 0;
        let green = 0;
        let blue = 0;
        for (const [column, weight] of columns[x]) {
            const i = start + column * channels;
            red = Math.fround(red + Math.fround(pixels[i] * weight));
            green = Math.fround(green + Math.fround(pixels[i + 1] * weight));
            blue = Math.fround(blue + Math.fround(pixels[i + 2] * weight));
        }
        line[o] = red;
        line[o + 1] = green;
        line[o + 2] = blue;
    }
}

/** For each new position along a side, the old positions below it and their shares. */
function areas(size, newSize) {
    const scale = 1 / (newSize / size);
    return Array.from({ length: newSize }, (_, position) => {
        const start = position * scale;
        const end = start + scale;
        const whole = Math.min(scale, size - start);
        const last = Math.min(Math.floor(end), size - 1);
        const first = Math.min(Math.ceil(start), last);
        const shares = [];
        if (first - start > 1e-3) shares.push([first - 1, Math.fround((first - start) / whole)]);
        for (let i = first; i < last; i++) shares.push([i, Math.fround(1 / whole)]);
        if (end - last > 1e-3) shares.push([last, Math.fround(Math.min(end - last, 1, whole) / whole)]);
        return shares;
    });
}

function interpolateBytes(rgb, from, to) {
    const result = new Uint8ClampedArray(to[0] * to[1] * 3);
    const source = new WidenedLines(rgb, from, to, cubicWeights, Float32Array);
    for (let y = 0, o = 0; y < to[1]; y++) {
        const [[a, b, c, d], [wa, wb, wc, wd]] = source.around(y);
        for (let i = 0; i < a.length; i++)
            result[o++] = roundHalfEven(a[i] * wa + b[i] * wb + c[i] * wc + d[i] * wd);
    }
    return new Uint8Array(result.buffer);
}

/** See `enlarge` of draw_size.py. */
function enlarge(rgb, from, to, contrast) {
    const [darkest, lightest] = extremes(rgb, ...from);
    const steep = steepen(rgb, darkest, lightest, contrast);
    const steepLines = new WidenedLines(steep, from, to, cubicWeights, Float32Array);
    const lowLines = new WidenedLines(darkest, from, to, linearWeights, Int32Array);
    const highLines = new WidenedLines(lightest, from, to, linearWeights, Int32Array);
    const result = new Uint8Array(to[0] * to[1] * 3);
    for (let y = 0, o = 0; y < to[1]; y++) {
        const [[a, b, c, d], [wa, wb, wc, wd]] = steepLines.around(y);
        const [[low, nextLow], [weight, nextWeight]] = lowLines.around(y);
        const [high, nextHigh] = highLines.around(y)[0];
        for (let i = 0; i < a.length; i++) {
            const level = Math.round(a[i] * wa + b[i] * wb + c[i] * wc + d[i] * wd);
            const least = mix(low[i], weight, nextLow[i], nextWeight);
            const most = mix(high[i], weight, nextHigh[i], nextWeight);
            result[o++] = Math.max(least, Math.min(most, level));
        }
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

/** The weighted sum of two widened values, in the integers of OpenCV's INTER_LINEAR. */
function mix(value, weight, nextValue, nextWeight) {
    return ((((value >> 4) * weight) >> 16) + (((nextValue >> 4) * nextWeight) >> 16) + 2) >> 2;
}

/** The darkest and the lightest of the 3x3 neighbours of each value. */
function extremes(rgb, width, height) {
    const darkest = new Uint8Array(rgb.length);
    const lightest = new Uint8Array(rgb.length);
    const stride = width * 3;
    for (let y = 0; y < height; y++) {
        const rows = [Math.max(y - 1, 0) * stride, y * stride, Math.min(y + 1, height - 1) * stride];
        for (let i = 0; i < stride; i++) {
            const [left, right] = [i < 3 ? i : i - 3, i + 3 < stride ? i + 3 : i];
            let low = 255;
            let high = 0;
            for (const row of rows) {
                const [a, b, c] = [rgb[row + left], rgb[row + i], rgb[row + right]];
                low = Math.min(low, a, b, c);
                high = Math.max(high, a, b, c);
            }
            darkest[y * stride + i] = low;
            lightest[y * stride + i] = high;
        }
    }
    return [darkest, lightest];
}

/** The lines of a picture at the width of another one, each widened once, from top to bottom. */
class WidenedLines {
    constructor(pixels, from, to, weigh, Values) {
        this.Values = Values;
        this.pixels = pixels;
        this.stride = from[0] * 3;
        this.columns = positions(from[0], to[0], weigh);
        this.rows = positions(from[1], to[1], weigh);
        this.lines = new Map();
    }

    /** The widened lines around line `y` of the other picture, and their weights. */
    around(y) {
        const { places, weights } = this.rows[y];
        for (const row of this.lines.keys()) if (row < places[0]) this.lines.delete(row);
        return [places.map((row) => this.widen(row)), weights];
    }

    widen(row) {
        const { columns, pixels, stride } = this;
        const known = this.lines.get(row);
        if (known) return known;
        const line = new this.Values(columns.length * 3);
        for (let x = 0, o = 0; x < columns.length; x++) {
            const { places, weights } = columns[x];
            const start = row * stride;
            const [a, b] = [start + places[0] * 3, start + places[1] * 3];
            const [wa, wb] = weights;
            for (let c = 0; c < 3; c++) line[o + c] = pixels[a + c] * wa + pixels[b + c] * wb;
            if (places.length === 4) {
                const [d, e] = [start + places[2] * 3, start + places[3] * 3];
                const [, , wd, we] = weights;
                for (let c = 0; c < 3; c++) line[o + c] += pixels[d + c] * wd + pixels[e + c] * we;
            }
            o += 3;
        }
        this.lines.set(row, line);
        return line;
    }
}

/** For each new position along a side, the old positions around it and their weights. */
function positions(size, newSize, weigh) {
    const scale = 1 / (newSize / size);
    return Array.from({ length: newSize }, (_, position) => {
        const exact = (position + 0.5) * scale - 0.5;
        const floor = Math.floor(exact);
        const weights = weigh(exact - floor);
        const first = floor + 1 - weights.length / 2;
        const places = weights.map((_, k) => Math.max(0, Math.min(size - 1, first + k)));
        return { places, weights };
    });
}

/** In the integers of OpenCV's INTER_LINEAR. */
function linearWeights(x) {
    return [roundHalfEven((1 - x) * WEIGHT_LEVELS), roundHalfEven(x * WEIGHT_LEVELS)];
}

/** Of Keys (1981) with a = -0.75. */
function cubicWeights(x) {
    const a = -0.75;
    const far = (t) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
    const near = (t) => ((a + 2) * t - (a + 3)) * t * t + 1;
    const [first, second, third] = [far(x + 1), near(x), near(1 - x)];
    return [first, second, third, 1 - first - second - third];
}
