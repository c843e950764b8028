// Fills the page for programs from its OpenAPI description.

import { find, make } from "./dom.js";

const description = await (await fetch("api/openapi.json")).json();
const here = location.href.replace(/\/api$/, "");
for (const command of document.querySelectorAll(".command")) {
    const key = description.security ? '-H "Authorization: Bearer $KEY" ' : "";
    command.textContent = command.textContent.replaceAll("curl ", `curl ${key}`).replaceAll("ADDRESS", here);
}

find("needs-key").hidden = !description.security;

const settings = description.components.schemas.ConversionSettings.properties;
const fields = Object.entries(settings).map(([name, schema]) => [
    name,
    values(schema),
    schema.default === null ? "leave it out" : String(schema.default),
]);
find("fields").append(table(["field", "values", "default"], fields));

const requests = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
        .filter(([method]) => method !== "parameters")
        .map(([method, { summary, responses }]) => [
            `${method.toUpperCase()} ${path}`,
            `${summary}.`,
            Object.keys(responses).join(", "),
        ]),
);
find("requests").append(table(["request", "what it does", "status"], requests));

function values(schema) {
    if (schema.anyOf) return schema.anyOf.map(values).filter(Boolean).join(", ");
    if (schema.enum) return schema.enum.join(", ");
    if (schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`;
    return { boolean: "true, false", string: "the name of a style", null: "" }[schema.type] ?? schema.type;
}

function table(heads, rows) {
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    const lines = rows.map((cells) =>
        make("tr", {}, ...cells.map((text, at) => make("td", {}, at ? text : make("code", {}, text)))),
    );
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
}
