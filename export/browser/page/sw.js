/**
 * The service worker: what was loaded once works offline. It also adds two headers that static hosts cannot send, and
 * without which browsers allow no threads.
 */

const CACHE = "try";
const PAGE = [
    "./",
    "camera.js",
    "cartoonize.js",
    "draw_size.js",
    "interpolation.js",
    "loader.js",
    "offline.js",
    "picture.js",
    "remote.js",
    "styles.js",
    "try.css",
    "try.js",
    "worker.js",
];

self.addEventListener("install", (event) => {
    self.skipWaiting();
    event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(PAGE)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET" || !request.url.startsWith("http")) return;
    const isOurs = new URL(request.url).origin === location.origin;
    event.respondWith((isOurs ? newest(request) : stored(request)).then(isolated));
});

/** From the server, and from the cache while it cannot be reached. */
async function newest(request) {
    try {
        return await load(request);
    } catch (error) {
        const known = await caches.match(request, { ignoreSearch: true });
        if (known) return known;
        throw error;
    }
}

/** From the cache: the address of the library names its version. */
async function stored(request) {
    return (await caches.match(request)) ?? load(request);
}

async function load(request) {
    const response = await fetch(request);
    if (response.ok) {
        const cache = await caches.open(CACHE);
        await cache.put(request, response.clone());
        await forgetOtherVersions(cache, request.url);
    }
    return response;
}

async function forgetOtherVersions(cache, url) {
    const name = (address) => new URL(address).pathname.split("/").pop();
    for (const { url: other } of await cache.keys())
        if (other !== url && !other.startsWith(location.origin) && name(other) === name(url))
            await cache.delete(other);
}

function isolated(response) {
    if (response.type === "opaque" || response.type === "error") return response;
    const headers = new Headers(response.headers);
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Embedder-Policy", "require-corp");
    const { status, statusText, body } = response;
    return new Response(body, { status, statusText, headers });
}
