/** The visitor's camera. */

const SMOOTHING = 0.1; // the share of the newest frame in the frame rate

const FAULTS = {
    NotAllowedError:
        "The browser does not let this page use the camera. Allow it beside the address, and try again.",
    NotFoundError: "No camera is connected.",
    NotReadableError: "Another program uses the camera. Close it, and try again.",
};

export class Camera {
    #video = document.createElement("video");
    #canvas = document.createElement("canvas");
    #draw;
    #fail;

    /**
     * @param {(rate: number) => Promise<void>} draw called for one frame after the other, with frames per second
     * @param {(error: Error) => void} fail called if a frame cannot be drawn, or the camera is disconnected
     */
    constructor(draw, fail) {
        this.#draw = draw;
        this.#fail = fail;
        this.#video.playsInline = true;
        this.#video.muted = true;
        this.isOn = false;
    }

    /**
     * Switch the camera on.
     *
     * @throws {Error} there is no camera, or the page may not use it; then it is off
     */
    async start() {
        const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
        const devices = navigator.mediaDevices;
        if (!devices) throw new Error("Browsers allow the camera only on pages with https.");
        const stream = await devices.getUserMedia({ video: wanted }).catch(explain);
        for (const track of stream.getTracks())
            track.addEventListener("ended", () => this.#fail(new Error("The camera was disconnected.")));
        this.#video.srcObject = stream;
        await this.#video.play().catch((error) => {
            this.stop(); // or the camera would stay on
            explain(error);
        });
        this.isOn = true;
        this.#run().catch((error) => this.isOn && this.#fail(error));
    }

    stop() {
        this.isOn = false;
        for (const track of this.#video.srcObject?.getTracks() ?? []) track.stop();
        this.#video.srcObject = null;
    }

    /**
     * The frame of this moment, mirrored, with at most `lines` lines.
     *
     * @param {number} lines
     * @returns {ImageData}
     */
    capture(lines) {
        const { videoWidth, videoHeight } = this.#video;
        const scale = Math.min(1, lines / Math.min(videoWidth, videoHeight));
        const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
        Object.assign(this.#canvas, { width, height });
        const context = this.#canvas.getContext("2d", { willReadFrequently: true });
        context.setTransform(-1, 0, 0, 1, width, 0);
        context.drawImage(this.#video, 0, 0, width, height);
        return context.getImageData(0, 0, width, height);
    }

    async #run() {
        let last = performance.now();
        let mean = 0;
        while (this.isOn) {
            await new Promise(requestAnimationFrame); // browsers pause it while the page is hidden
            await this.#draw(mean);
            const now = performance.now();
            const rate = 1000 / (now - last);
            mean += (rate - mean) * (mean ? SMOOTHING : 1);
            last = now;
        }
    }
}

function explain({ name, message }) {
    throw new Error(FAULTS[name] ?? `The camera cannot be used: ${message}.`);
}
