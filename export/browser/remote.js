/** Calls between a page and its workers. */

export class RemoteWorker {
    #calls = new Map();
    #count = 0;
    #worker;

    /** @param {URL} script */
    constructor(script) {
        // A worker from a blob has the Content-Security-Policy that the page has now. Others have none of their own.
        const source = new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" });
        const address = URL.createObjectURL(source);
        this.#worker = new Worker(address, { type: "module" });
        this.#worker.onmessage = ({ data: { id, result, error } }) => {
            const { resolve, reject } = this.#calls.get(id);
            this.#calls.delete(id);
            if (error) reject(new Error(error));
            else resolve(result);
        };
        this.#worker.onerror = (event) => this.#fail(event.message || `${script} cannot be loaded.`);
    }

    /**
     * @param {string} command
     * @param {object} settings
     * @returns {Promise<any>}
     */
    call(command, settings) {
        const id = this.#count++;
        return new Promise((resolve, reject) => {
            this.#calls.set(id, { resolve, reject });
            this.#worker.postMessage({ id, command, settings });
        });
    }

    end() {
        this.#worker.terminate();
        this.#fail("The worker was closed.");
    }

    #fail(message) {
        for (const { reject } of this.#calls.values()) reject(new Error(message));
        this.#calls.clear();
    }
}

/**
 * Answer the calls of a page, in a worker, one after the other. Buffers in the results move to the page.
 *
 * @param {Record<string, (settings: any) => Promise<any>>} commands
 * @param {(error: unknown) => string} describe
 */
export function answer(commands, describe) {
    let queue = Promise.resolve();
    self.onmessage = ({ data: { id, command, settings } }) => {
        queue = queue.then(async () => {
            try {
                const result = await commands[command](settings);
                const buffer = result instanceof ArrayBuffer ? result : result?.data?.buffer;
                self.postMessage({ id, result }, { transfer: buffer ? [buffer] : [] });
            } catch (error) {
                self.postMessage({ id, error: describe(error) });
            }
        });
    };
}
