// Numbers and states in words.

const SMALL = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
const NAMED = 3; // files that a sentence names

/** About how long: "about 40 seconds", "about 2 minutes". */
export function duration(seconds) {
    if (seconds < 1.5) return "about a second";
    if (seconds < 10) return `about ${Math.round(seconds)} seconds`;
    if (seconds < 58) return `about ${Math.ceil(seconds / 5) * 5} seconds`;
    if (seconds < 90) return "about a minute";
    if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
    return `about ${Math.round(seconds / 3600)} hours`;
}

/** The state of a job, as a sentence. */
export function describeJob(job) {
    if (job.state === "waiting") return describeQueue(job.before);
    if (job.state === "failed") return job.error;
    if (job.state === "stopped") return "Stopped.";
    if (job.state === "done") return "Ready.";
    if (job.progress === null) return "Converting …";
    if (job.progress === 0) return "Getting ready …";
    if (job.progress === 1) return "Finishing …";
    return job.seconds_left === null ? "Converting …" : `Converting, ${duration(job.seconds_left)} left.`;
}

/** How many files come first. */
function describeQueue(before) {
    if (before === 0) return "Yours is next.";
    return before === 1
        ? "One file is ahead of yours."
        : `${SMALL[before] ?? before} files are ahead of yours.`;
}

/** Words as a list: "one, two and three". */
export function join(words) {
    return new Intl.ListFormat("en-GB").format(words);
}

/** Which files are not sent, by their names. */
export function describeLeftOut(names) {
    if (names.length === 1) return `${names[0]} is not named like a picture or a video, and was not sent.`;
    const shown = names.slice(0, NAMED);
    const more = names.length - NAMED;
    if (more > 0) shown.push(more === 1 ? "another file" : `${more} other files`);
    return `${join(shown)} are not named like pictures or videos, and were not sent.`;
}

/** How long it took: "12 s", "3 min". */
export function elapsed(seconds) {
    return seconds < 90
        ? `${Math.max(1, Math.round(seconds))}\u00a0s`
        : `${Math.round(seconds / 60)}\u00a0min`;
}

/** How large: "3.4 MB". */
export function size(bytes) {
    const units = ["bytes", "kB", "MB", "GB"];
    let unit = 0;
    let number = bytes;
    while (number >= 1000 && unit < 3) {
        number /= 1000;
        unit += 1;
    }
    return `${number >= 100 || unit === 0 ? Math.round(number) : Number(number.toPrecision(2))}\u00a0${units[unit]}`;
}

/** The size of a file that is compared with a limit, rounded up so that it is never equal: "4,000.1 MB". */
export function megabytes(bytes) {
    return `${(Math.ceil((bytes / 2 ** 20) * 10) / 10).toLocaleString("en")} MB`;
}

/** A moment of a video: "1:05". */
export function clock(seconds) {
    const whole = Math.floor(seconds || 0);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
