/**
 * Loads files, in a worker that cartoonize.js starts. It never gets a picture, so it may still connect to servers
 * when the page and the worker that draws may not.
 */

import { answer } from "./remote.js";

answer({ load }, (error) => error.message);

/** Load a file. With `integrity`, a hash, other contents are refused. */
async function load({ address, integrity = "" }) {
    const { host, pathname } = new URL(address);
    const file = pathname.split("/").pop();
    const response = await fetch(address, { integrity }).catch(() => null);
    if (response?.ok) return response.arrayBuffer();
    const reason = response ? `the server answers ${response.status}` : "check the connection";
    throw new Error(`${file} cannot be loaded from ${host}: ${reason}.`);
}
