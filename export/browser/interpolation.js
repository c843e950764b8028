/**
 * Three interpolations of OpenCV (`modules/imgproc/src/resize.cpp`), with its rounding. The bicubic one is that of IPP,
 * which OpenCV uses on x86: float32, multiplied and added at once. Elsewhere OpenCV rounds some values otherwise.
 */

const WEIGHT_LEVELS = 2048; // of 1, for LinearLines

const NO_FRACTION = 1.5 * 2 ** 52; // float64 numbers of this size are integers

/** Nearest integer; of two equally near ones the even one, as in Python and OpenCV. */
export function roundHalfEven(value) {
    return value + NO_FRACTION - NO_FRACTION;
}

/**
 * Average areas, as INTER_AREA does in float32.
 *
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {3 | 4} channels the fourth is dropped
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 * @returns {Uint8Array} RGB
 */
export function reduce(pixels, channels, [width, height], [newWidth, newHeight]) {
    if (width === 2 * newWidth && height === 2 * newHeight) return halve(pixels, channels, width, height);
    const columns = areas(width, newWidth);
    const rows = areas(height, newHeight);
    const result = new Uint8Array(newWidth * newHeight * 3);
    const line = new Float32Array(newWidth * 3);
    const sums = new Float32Array(newWidth * 3);
    for (let y = 0; y < newHeight; y++) {
        sums.fill(0);
        for (let k = rows.starts[y]; k < rows.starts[y + 1]; k++) {
            averageLine(pixels, rows.places[k] * width * channels, channels, columns, line);
            for (let i = 0; i < sums.length; i++) sums[i] += Math.fround(rows.weights[k] * line[i]);
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

function averageLine(pixels, start, channels, { starts, places, weights }, line) {
    line.fill(0);
    for (let x = 0, o = 0; o < line.length; x++, o += 3)
        for (let k = starts[x]; k < starts[x + 1]; k++) {
            const i = start + places[k] * channels;
            for (let c = 0; c < 3; c++) line[o + c] += Math.fround(pixels[i + c] * weights[k]);
        }
}

/** For each new position along a side, from `starts` on, the old positions below it and their shares. */
function areas(size, newSize) {
    const scale = 1 / (newSize / size);
    const [starts, places, weights] = [[0], [], []];
    const add = (place, weight) => weights.push(weight) && places.push(place);
    for (let position = 0; position < newSize; position++) {
        const start = position * scale;
        const end = start + scale;
        const whole = Math.min(scale, size - start);
        const last = Math.min(Math.floor(end), size - 1);
        const first = Math.min(Math.ceil(start), last);
        if (first - start > 1e-3) add(first - 1, (first - start) / whole);
        for (let i = first; i < last; i++) add(i, 1 / whole);
        if (end - last > 1e-3) add(last, Math.min(end - last, 1, whole) / whole);
        starts.push(places.length);
    }
    return { starts, places: Int32Array.from(places), weights: Float32Array.from(weights) };
}

/** What each interpolation does; `round` is what it does to the place of a new value in the old picture. */
export const BICUBIC = { taps: 4, round: Number, weigh: cubicWeights, widen: widenCubic, mix: mixFour };
export const BILINEAR = {
    taps: 2,
    round: Math.fround,
    weigh: linearWeights,
    widen: widenLinearly,
    mix: mixTwo,
};

/** The lines of an RGB picture at another size. Each old line is widened once; `read` mixes them from top to bottom. */
export class Lines {
    #widened = new Map();

    constructor(pixels, from, to, kind) {
        this.pixels = pixels;
        this.kind = kind;
        this.stride = from[0] * 3;
        this.columns = positions(from[0], to[0], kind);
        this.rows = positions(from[1], to[1], kind);
        this.line = new Float32Array(to[0] * 3);
    }

    /** Line `y` of the new size, until the next call. */
    read(y) {
        const { taps, mix } = this.kind;
        const rows = this.rows.places.subarray(y * taps, (y + 1) * taps);
        for (const row of this.#widened.keys()) if (row < rows[0]) this.#widened.delete(row);
        const weights = this.rows.weights.subarray(y * taps, (y + 1) * taps);
        const lines = Array.from(rows, (row) => this.#get(row));
        mix(this.line, lines, weights);
        return this.line;
    }

    #get(row) {
        let line = this.#widened.get(row);
        if (!line) {
            line = new Float32Array(this.line.length);
            this.kind.widen(line, this.pixels, row * this.stride, this.columns);
            this.#widened.set(row, line);
        }
        return line;
    }
}

/** For each new position along a side, the old positions around it, and their weights. */
function positions(size, newSize, { taps, round, weigh }) {
    const scale = 1 / (newSize / size);
    const places = new Int32Array(newSize * taps);
    const weights = new Float32Array(newSize * taps);
    for (let i = 0; i < newSize; i++) {
        const place = round((i + 0.5) * scale - 0.5);
        const floor = Math.floor(place);
        weights.set(weigh(Math.fround(place - floor)), i * taps);
        for (let k = 0; k < taps; k++)
            places[i * taps + k] = Math.max(0, Math.min(size - 1, floor + 1 - taps / 2 + k));
    }
    return { places, weights };
}

/** Of Keys (1981) with a = -0.75; IPP rounds the distance to the place before. */
function cubicWeights(x) {
    const a = -0.75;
    const t = Math.fround(x + 1) - 1;
    return [
        ((a * t - 2 * a) * t + a) * t,
        ((a + 2) * t - (a + 3)) * t * t + 1,
        ((-(a + 2) * t + 2 * a + 3) * t - a) * t,
        (-a * t + a) * t * t,
    ];
}

function widenCubic(line, pixels, start, { places, weights }) {
    for (let o = 0, k = 0; o < line.length; k += 4) {
        const [a, b] = [start + places[k] * 3, start + places[k + 1] * 3];
        const [d, e] = [start + places[k + 2] * 3, start + places[k + 3] * 3];
        for (let c = 0; c < 3; c++) {
            const two = addProduct(Math.fround(pixels[a + c] * weights[k]), pixels[b + c], weights[k + 1]);
            const three = addProduct(two, pixels[d + c], weights[k + 2]);
            line[o++] = addProduct(three, pixels[e + c], weights[k + 3]);
        }
    }
}

function mixFour(line, [a, b, d, e], [wa, wb, wd, we]) {
    for (let i = 0; i < line.length; i++) {
        const upper = addProduct(Math.fround(b[i] * wb), a[i], wa);
        const lower = addProduct(Math.fround(e[i] * we), d[i], wd);
        line[i] = upper + lower;
    }
}

/** A product and a sum with one rounding: float64 holds the product of two float32 numbers. */
function addProduct(sum, value, weight) {
    return Math.fround(sum + value * weight);
}

/** In the integers of OpenCV's INTER_LINEAR. */
function linearWeights(x) {
    return [roundHalfEven((1 - x) * WEIGHT_LEVELS), roundHalfEven(x * WEIGHT_LEVELS)];
}

function widenLinearly(line, pixels, start, { places, weights }) {
    for (let o = 0, k = 0; o < line.length; k += 2) {
        const [a, b] = [start + places[k] * 3, start + places[k + 1] * 3];
        for (let c = 0; c < 3; c++) line[o++] = pixels[a + c] * weights[k] + pixels[b + c] * weights[k + 1];
    }
}

function mixTwo(line, [a, b], [wa, wb]) {
    for (let i = 0; i < line.length; i++)
        line[i] = ((((a[i] >> 4) * wa) >> 16) + (((b[i] >> 4) * wb) >> 16) + 2) >> 2;
}
