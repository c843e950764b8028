// Requests to the server, which keeps and converts files.

/** Constant information: styles, suffixes, limits, examples. */
export async function readInfo() {
    return (await request("api/info")).json();
}

/**
 * Send a file under a name; `onProgress` gets the share that was sent. Resolves to the file as the server
 * describes it, and rejects if it is refused, or `signal` aborts.
 */
export function addFile(file, name, onProgress, signal) {
    const form = new FormData();
    form.append("file", file, name);
    return new Promise((resolve, reject) => {
        const transfer = new XMLHttpRequest();
        transfer.open("POST", "api/files");
        transfer.responseType = "json";
        transfer.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
        transfer.onload = () => {
            if (transfer.status === 201) resolve(transfer.response);
            else reject(new Error(transfer.response?.error ?? "The server refused the file."));
        };
        transfer.onerror = () => reject(new Error("The file could not be sent: the server does not answer."));
        transfer.onabort = () => reject(new Error("The file was removed."));
        signal.addEventListener("abort", () => transfer.abort());
        transfer.send(form);
    });
}

export async function addExample(name) {
    return (await request(`api/examples/${encodeURIComponent(name)}`, { method: "POST" })).json();
}

export async function removeFile(id) {
    await request(`api/files/${id}`, { method: "DELETE" });
}

/** Ask for a conversion. Resolves to the job. */
export async function convert(file, settings) {
    const body = JSON.stringify({ file, ...settings });
    const headers = { "Content-Type": "application/json" };
    return (await request("api/jobs", { method: "POST", body, headers })).json();
}

export async function stop(job) {
    await request(`api/jobs/${job}/stop`, { method: "POST" });
}

export const fileAddress = (id) => `api/files/${id}`;
export const previewAddress = (id, settings) => `api/files/${id}/preview?${new URLSearchParams(settings)}`;
export const beforeAddress = (job) => `api/jobs/${job}/before`;
export const resultAddress = (job) => `api/jobs/${job}/result`;
export const styleAddress = (name) => `styles/${encodeURIComponent(name)}.webp`;
export const exampleAddress = (name) => `examples/${encodeURIComponent(name)}.webp`;

/** Call `onState` with all files and jobs after each change, and `onConnection` with whether the server answers. */
export function watch(onState, onConnection) {
    const events = new EventSource("api/events");
    events.onmessage = (event) => {
        onConnection(true);
        onState(JSON.parse(event.data));
    };
    events.onerror = () => {
        onConnection(false);
        if (events.readyState === EventSource.CLOSED)
            setTimeout(() => watchAgain(onState, onConnection), 2000);
    };
    window.addEventListener("pagehide", () => navigator.sendBeacon("api/leave"), { once: true });
}

async function watchAgain(onState, onConnection) {
    const response = await fetch("api/info").catch(() => null);
    if (response?.status === 401)
        location.reload(); // a restarted server asks for its new key
    else watch(onState, onConnection);
}

async function request(address, options) {
    let response;
    try {
        response = await fetch(address, options);
    } catch {
        throw new Error("The server does not answer.");
    }
    if (response.ok) return response;
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.error ?? "The server refused that.");
}
