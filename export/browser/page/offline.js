/** Registers the service worker: the page works offline, and WebAssembly may use threads. */

const PATIENCE = 4000; // milliseconds; without the service worker everything else works

/** Wait until the service worker sees all requests of the page. The first visit loads the page twice. */
export async function prepareOffline() {
    const workers = navigator.serviceWorker;
    if (!workers) return;
    const controlled = new Promise((resolve) =>
        workers.addEventListener("controllerchange", resolve, { once: true }),
    );
    await workers.register("sw.js").catch(() => null);
    if (!workers.controller)
        await Promise.race([controlled, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    if (!workers.controller || window.crossOriginIsolated || wasReloaded()) return;
    location.reload();
    await new Promise(() => {});
}

function wasReloaded() {
    try {
        const known = sessionStorage.getItem("reloaded");
        sessionStorage.setItem("reloaded", "yes");
        return Boolean(known);
    } catch {
        return true; // storage is forbidden
    }
}
