// schema.mjs - the schema of the google provider, told by its generated JavaScript bindings.
//
//   node schema.mjs BINDINGS OUT TYPE...      BINDINGS: the folder lib of @cdktf/provider-google
//
// A TYPE is google_x for a resource, data.google_x for a data source; one that the provider has not is left out.

// The bindings are classes that write configuration. Each is loaded with a stand-in for the library
// beneath it that writes nothing and notes what it is asked: names, types, which are blocks, which
// may be left out. Values that the documentation of an argument lists ("Possible values") are kept.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import path from "node:path";

const [bindings, out, ...types] = process.argv.slice(2);
const require = createRequire(import.meta.url);

// A value for any argument, with any field.
const anything = new Proxy({}, { get: (_, key) => (typeof key === "symbol" ? undefined : anything) });

class Seen {
    getStringAttribute(name) { return { [attribute]: name, type: "string" }; }
    getNumberAttribute(name) { return { [attribute]: name, type: "number" }; }
    getBooleanAttribute(name) { return { [attribute]: name, type: "bool" }; }
    getListAttribute(name) { return { [attribute]: name, type: ["list", "string"] }; }
    getNumberListAttribute(name) { return { [attribute]: name, type: ["list", "number"] }; }
    getStringMapAttribute(name) { return { [attribute]: name, type: ["map", "string"] }; }
}
const attribute = Symbol("attribute"); // a field of the cloud may itself be called name
class ComplexObject extends Seen {
    constructor(parent, name) { super(); this[attribute] = name; }
}
class ComplexList extends Seen {
    constructor(parent, name, wrapsSet) { super(); this[attribute] = name; this.wrapsSet = wrapsSet; }
}
class Resource extends Seen {
    constructor(scope, id, config) { super(); this.told = config; }
}
const scalar = (type) => () => ({ type });
const elements = (mapper, block) => () => ({ mapper, block });
const library = {
    ComplexObject, ComplexList, ComplexMap: ComplexList,
    TerraformResource: Resource, TerraformDataSource: Resource, TerraformProvider: Resource,
    StringMap: class { constructor(parent, name) { Object.assign(this, { [attribute]: name, type: ["map", "string"] }); } },
    StringMapList: class { constructor(parent, name) { Object.assign(this, { [attribute]: name, type: ["list", ["map", "string"]] }); } },
    NumberMap: class { constructor(parent, name) { Object.assign(this, { [attribute]: name, type: ["map", "number"] }); } },
    BooleanMap: class { constructor(parent, name) { Object.assign(this, { [attribute]: name, type: ["map", "bool"] }); } },
    Fn: { tolist: (list) => ({ ...list, type: ["set", list.type[1]] }) },
    Token: { asNumber: (value) => value, asString: (value) => value },
    Tokenization: { isResolvable: () => false },
    canInspect: () => true,
    isComplexElement: () => false,
    stringToHclTerraform: scalar("string"),
    numberToHclTerraform: scalar("number"),
    booleanToHclTerraform: scalar("bool"),
    anyToHclTerraform: scalar("dynamic"),
    hashMapperHcl: (mapper) => () => ({ map: mapper }),
    listMapperHcl: elements,
    listMapper: elements, hashMapper: elements,
};
const load = Module._load;
Module._load = (request, ...rest) => (request === "cdktf" ? library : load(request, ...rest));

// What an argument's documentation says it may be, by its camelCase name within an interface.
function listedValues(folder) {
    const listed = {};
    let text = "";
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) text += readFileSync(path.join(folder, file), "utf8");
    for (const [, owner, body] of text.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)\n\}/g)) {
        for (const [, note, name] of body.matchAll(/\/\*\*([\s\S]*?)\*\/\s*readonly (\w+)/g)) {
            const values = note.replace(/\n\s*\* ?/g, " ").match(/Possible values: \[("[^\]]*")\]/);
            if (values) (listed[owner] ??= {})[name] = JSON.parse(`[${values[1]}]`);
        }
    }
    return listed;
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

// The fields of an object by name: what its getters give, and whether it may be written and left out.
function fieldsOf(object) {
    const fields = {};
    const prototype = Object.getPrototypeOf(object);
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (!property.get || key === "internalValue" || key.endsWith("Input")) continue;
        const seen = object[key];
        if (!seen || typeof seen !== "object" || !seen[attribute]) continue;
        const upper = key[0].toUpperCase() + key.slice(1);
        const input = property.set !== undefined || `put${upper}` in prototype;
        fields[seen[attribute]] = { key, seen, input, required: input && !(`reset${upper}` in prototype) };
    }
    return fields;
}

const inner = (seen) => (seen instanceof ComplexList ? seen.get(0) : seen);

// The type of a field that is no block.
function typeOf(seen) {
    if (seen.type) return seen.type;
    const fields = {};
    for (const [name, field] of Object.entries(fieldsOf(inner(seen)))) fields[name] = typeOf(field.seen);
    const object = ["object", fields];
    return seen instanceof ComplexList ? [seen.wrapsSet ? "set" : "list", object] : ["list", object];
}

function blockOf(object, written, owner, listed) {
    const attributes = {}, blocks = {};
    for (const [name, field] of Object.entries(fieldsOf(object))) {
        const told = written[name];
        const nested = field.seen instanceof ComplexObject || field.seen instanceof ComplexList;
        if (field.input && nested && told?.isBlock) {
            const mapper = told.value?.mapper;
            const below = mapper ? mapper(anything) : told.value;
            const type = told.storageClassType.replace(/List$/, "");
            blocks[name] = {
                nesting: told.type === "set" ? 3 : told.type === "struct" ? 1 : 2,
                min: field.required && told.type !== "struct" ? 1 : 0,
                max: told.type !== "struct" && field.seen instanceof ComplexObject ? 1 : 0,
                block: blockOf(inner(field.seen), below ?? {}, type, listed),
            };
            continue;
        }
        attributes[name] = {
            type: typeOf(field.seen),
            required: field.required,
            optional: field.input && !field.required,
            // By the provider's custom of naming, nothing else in the bindings says it: given and never kept.
            write_only: name.endsWith("_wo"),
            computed: !field.required && !name.endsWith("_wo"),
        };
        const values = listed[owner]?.[camel(name)];
        if (values && field.input) attributes[name].values = values;
    }
    return { attributes, blocks };
}

function providerBlock(Class) {
    const attributes = {};
    const instance = new Class(null, "x", anything);
    for (const [name, told] of Object.entries(instance.synthesizeHclAttributes())) {
        if (["alias", "batching", "external_credentials"].includes(name)) continue;
        const type = told.type === "simple" ? told.value.type : told.type === "map" ? ["map", "string"] : ["list", "string"];
        attributes[name] = { type, optional: true };
    }
    return { attributes, blocks: {} };
}

const schema = { provider: null, resources: {}, data: {} };
// A type's folder is its name without the provider's, with hyphens.
const folderOf = (type) => type.replace(/^data\./, "data_").replace(/^google_/, "").replaceAll("_", "-");
for (const folder of ["provider", ...types.map(folderOf)]) {
    const at = path.join(bindings, folder);
    if (!existsSync(at)) continue;
    for (const [name, Class] of Object.entries(require(path.join(at, "index.js")))) {
        if (typeof Class !== "function" || !(Class.prototype instanceof Resource)) continue;
        if (folder === "provider") {
            schema.provider = providerBlock(Class);
            continue;
        }
        const instance = new Class(null, "x", anything);
        const block = blockOf(instance, instance.synthesizeHclAttributes(), `${name}Config`, listedValues(at));
        schema[folder.startsWith("data-") ? "data" : "resources"][Class.tfResourceType] = block;
    }
}
writeFileSync(out, JSON.stringify(schema));
