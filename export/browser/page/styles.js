/** The choice of styles, built from styles.json. */

/** Build it, with the first style chosen. */
export async function showStyles() {
    const response = await fetch("styles.json");
    if (!response.ok) throw new Error(`The list of styles cannot be loaded (${response.status}).`);
    const { styles } = await response.json();
    const cards = Object.entries(styles).map(([name, style], i) => makeCard(name, style, i === 0));
    const list = document.getElementById("styles");
    list.replaceChildren(...cards);
    list.addEventListener("change", () => showLicence(styles));
    showLicence(styles);
    await Promise.all([...list.querySelectorAll("img")].map((image) => image.decode().catch(() => null)));
}

/** The name of the chosen style. */
export function chosenStyle() {
    return document.querySelector("[name=style]:checked").value;
}

function makeCard(name, { summary, preview }, isChosen) {
    const card = make("label", { className: "style" });
    card.append(make("input", { type: "radio", name: "style", value: name, defaultChecked: isChosen }));
    if (preview) card.append(make("img", { src: preview, alt: "" }));
    const text = make("span", {});
    text.append(make("b", { textContent: name }), ` ${summary}`);
    card.append(text);
    return card;
}

function showLicence(styles) {
    const { licence, credit } = styles[chosenStyle()];
    document.getElementById("licence").textContent =
        `The style is under ${licence}. It learned from works of ${credit.replaceAll("`", "")}.`;
}

function make(tag, properties) {
    return Object.assign(document.createElement(tag), properties);
}
