// Drawings of one frame of the visitor's own file, before it is converted. They are fetched in turn and kept.

import { previewAddress } from "./server.js";

const PAUSE = 3000; // milliseconds until a server that converts something is asked again

/** Fetch previews; `onChange` is called when there is a new one. */
export function createPreviews(onChange) {
    const kept = new Map(); // by the address at the server: the address in this browser, or null if refused
    let wanted = [];
    let isAsking = false;

    async function ask() {
        isAsking = true;
        while (wanted.length) {
            const address = wanted[0];
            const response = await fetch(address).catch(() => null);
            if (!response || response.status === 204) {
                await new Promise((resolve) => setTimeout(resolve, PAUSE));
                continue;
            }
            kept.set(address, response.ok ? URL.createObjectURL(await response.blob()) : null);
            wanted = wanted.filter((other) => other !== address);
            onChange();
        }
        isAsking = false;
    }

    return {
        /**
         * The previews of a file that are loaded: the source, the drawing with these settings, and one for each
         * style by its name. The others are fetched, unless the server `isConverting`.
         */
        of(file, settings, styles, isConverting) {
            const source = previewAddress(file);
            const drawing = previewAddress(file, lookOf(settings));
            const byStyle = styles.map((style) => previewAddress(file, { style }));
            wanted = [source, drawing, ...byStyle].filter((address) => !kept.has(address));
            if (isConverting) wanted = [];
            if (!isAsking) ask();
            return {
                before: kept.get(source),
                after: kept.get(drawing),
                styles: Object.fromEntries(styles.map((style, index) => [style, kept.get(byStyle[index])])),
            };
        },

        /** Fetch no more until `of` is called. */
        pause() {
            wanted = [];
        },

        /** Remove the previews of a file. */
        forget(file) {
            for (const [address, blob] of kept) {
                if (!address.startsWith(previewAddress(file))) continue;
                if (blob) URL.revokeObjectURL(blob);
                kept.delete(address);
            }
        },
    };
}

/** The settings that change a preview. Defaults are left out, so that the address equals that of the style. */
function lookOf({ style, detail, strength, keep_colour }) {
    return {
        style,
        ...(detail !== "normal" && { detail }),
        ...(strength < 1 && { strength }),
        ...(keep_colour && { keep_colour }),
    };
}
