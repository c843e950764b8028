// Two videos that play, pause and seek together.

import { icon, make } from "./dom.js";
import { createSlider, createViewChoice } from "./slider.js";
import { clock } from "./words.js";

const DRIFT = 0.06; // seconds that the source may be off

/**
 * Players for a source and its result, under one set of controls. The sound is the result's.
 *
 * `view` is that of the slider. Without one, portrait videos begin side by side, others under the divider. `onView` gets
 * each view that the visitor chooses.
 */
export function createPlayers(beforeAddress, afterAddress, view, onView) {
    const before = video(beforeAddress, "The source");
    const after = video(afterAddress, "The cartoon");
    before.muted = true;
    const slider = createSlider(before, after, { view: view ?? "wipe" });
    const controls = createControls(after, () => fill(element, after));
    let choice = createViewChoice(slider, view ?? "wipe", onView);
    const bar = make("div", { class: "player-bar" }, controls.element, choice);
    const element = make("div", { class: "players" }, slider.element, bar);

    function follow() {
        if (Math.abs(before.currentTime - after.currentTime) > DRIFT) before.currentTime = after.currentTime;
    }
    after.addEventListener("play", () => {
        follow();
        before.play().catch(() => {});
    });
    after.addEventListener("pause", () => {
        before.pause();
        follow();
    });
    for (const event of ["seeking", "seeked", "timeupdate"]) after.addEventListener(event, follow);
    after.addEventListener("ratechange", () => {
        before.playbackRate = after.playbackRate;
    });
    after.addEventListener("loadedmetadata", () => {
        if (view || after.videoHeight <= after.videoWidth) return;
        slider.setView("side");
        const portrait = createViewChoice(slider, "side", onView);
        choice.replaceWith(portrait);
        choice = portrait;
    });
    before.addEventListener("error", () => {
        slider.setView("after");
        choice.replaceWith(
            make("p", { class: "quiet" }, "This browser cannot play the source, only the cartoon."),
        );
    });
    return element;
}

function video(address, label) {
    const properties = { src: address, preload: "auto", playsInline: true, loop: true, "aria-label": label };
    return make("video", properties);
}

/** Enter or leave full screen. An iPhone can show only the video alone. */
function fill(element, player) {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (element.requestFullscreen) element.requestFullscreen().catch(() => {});
    else player.webkitEnterFullscreen?.();
}

function createControls(player, onFill) {
    const play = make("button", { type: "button", class: "round", "aria-label": "Play" }, icon("play"));
    const mute = make("button", { type: "button", class: "round", "aria-label": "Mute" }, icon("sound"));
    const full = make(
        "button",
        { type: "button", class: "round", "aria-label": "Full screen" },
        icon("full"),
    );
    const time = make("output", { class: "time" }, "0:00");
    const seek = make("input", {
        type: "range",
        class: "range",
        min: 0,
        max: 1000,
        value: 0,
        "aria-label": "Position",
    });
    let isDragged = false;

    play.addEventListener("click", () => (player.paused ? player.play() : player.pause()));
    mute.addEventListener("click", () => {
        player.muted = !player.muted;
    });
    full.addEventListener("click", onFill);
    seek.addEventListener("input", () => {
        isDragged = true;
        player.currentTime = (seek.value / 1000) * (player.duration || 0);
    });
    seek.addEventListener("change", () => {
        isDragged = false;
    });
    function show() {
        const words = `${clock(player.currentTime)} / ${clock(player.duration)}`;
        time.textContent = words;
        if (!isDragged) seek.value = player.duration ? (player.currentTime / player.duration) * 1000 : 0;
        seek.setAttribute("aria-valuetext", words);
        setButton(play, player.paused ? "Play" : "Pause", player.paused ? "play" : "pause");
        setButton(mute, player.muted ? "Unmute" : "Mute", player.muted ? "muted" : "sound");
    }
    for (const event of ["play", "pause", "timeupdate", "seeking", "loadedmetadata", "volumechange"]) {
        player.addEventListener(event, show);
    }
    return { element: make("div", { class: "controls" }, play, seek, time, mute, full) };
}

function setButton(button, label, name) {
    if (button.getAttribute("aria-label") === label) return;
    button.setAttribute("aria-label", label);
    button.replaceChildren(icon(name));
}
