// Passes a result to another app. Browsers allow it only on this computer or with https.

const PICTURE = new File(["x"], "x.png", { type: "image/png" });

export const canShare = Boolean(navigator.canShare?.({ files: [PICTURE] }));

let fetched = { address: "", file: null };

/** Share a file. A long one has to be fetched first, after which browsers want a second click: false then. */
export async function share(address, name) {
    if (fetched.address !== address) {
        const blob = await (await fetch(address)).blob();
        fetched = { address, file: new File([blob], name, { type: blob.type }) };
    }
    try {
        await navigator.share({ files: [fetched.file] });
    } catch (error) {
        return error.name !== "NotAllowedError";
    }
    return true;
}
