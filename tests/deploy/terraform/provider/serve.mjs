// serve.mjs - a google provider that knows the schema and no cloud, for terraform validate and
// terraform test with mock_provider.
//
//   node serve.mjs SCHEMA       what schema.mjs wrote; started by Terraform alone
//
// Beside Terraform's own checks of names, types and references it refuses a value that the
// documentation of an argument does not list.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
// Found from where this file really lies, whatever link it was started by.
const require = createRequire(path.join(here, "serve.mjs"));
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { decode, ExtData } = require("@msgpack/msgpack");

if (process.env.TF_PLUGIN_MAGIC_COOKIE === undefined) {
    console.error("this is a provider; Terraform starts it");
    process.exit(1);
}
const schema = JSON.parse(readFileSync(process.argv[2], "utf8"));

const toBlock = (block) => ({
    attributes: Object.entries(block.attributes).map(([name, a]) => ({
        name, type: Buffer.from(JSON.stringify(a.type)), required: a.required, optional: a.optional, computed: a.computed, write_only: a.write_only,
    })),
    block_types: Object.entries(block.blocks).map(([name, b]) => ({
        type_name: name, nesting: b.nesting, min_items: b.min, max_items: b.max, block: toBlock(b.block),
    })),
});
const toSchemas = (blocks) => Object.fromEntries(Object.entries(blocks).map(([name, block]) => [name, { version: 0, block: toBlock(block) }]));

// Every value that is known and not among those listed, with where it stands.
function* unlisted(block, value, steps) {
    if (value === null || value === undefined || value instanceof ExtData) return;
    for (const [name, attribute] of Object.entries(block.attributes)) {
        const given = value[name];
        if (attribute.values && typeof given === "string" && given !== "" && !attribute.values.includes(given)) {
            yield { steps: [...steps, { attribute_name: name }], given, values: attribute.values };
        }
    }
    for (const [name, nested] of Object.entries(block.blocks)) {
        const given = value[name];
        if (given === null || given === undefined || given instanceof ExtData) continue;
        if (nested.nesting === 1) yield* unlisted(nested.block, given, [...steps, { attribute_name: name }]);
        // The elements of a set have no place that could be pointed at.
        else for (const [i, item] of given.entries()) {
            yield* unlisted(nested.block, item, [...steps, { attribute_name: name }, ...(nested.nesting === 2 ? [{ element_key_int: i }] : [])]);
        }
    }
}

function validate(blocks) {
    return ({ request }, reply) => {
        const diagnostics = [];
        for (const { steps, given, values } of unlisted(blocks[request.type_name], decode(request.config.msgpack), [])) {
            diagnostics.push({
                severity: "ERROR",
                summary: `unexpected value "${given}"`,
                detail: `${steps.at(-1).attribute_name ?? "It"} may be ${values.join(", ")}.`,
                attribute: { steps },
            });
        }
        reply(null, { diagnostics });
    };
}

const { tfplugin5, plugin } = grpc.loadPackageDefinition(
    loader.loadSync(["provider.proto", "plugin.proto"].map((name) => path.join(here, name)), { keepCase: true, enums: String }));
const server = new grpc.Server({ "grpc.max_send_message_length": -1 });
server.addService(tfplugin5.Provider.service, {
    GetSchema: (_, reply) => reply(null, {
        provider: { version: 0, block: toBlock(schema.provider) },
        resource_schemas: toSchemas(schema.resources),
        data_source_schemas: toSchemas(schema.data),
    }),
    PrepareProviderConfig: ({ request }, reply) => reply(null, { prepared_config: request.config }),
    ValidateResourceTypeConfig: validate(schema.resources),
    ValidateDataSourceConfig: validate(schema.data),
    Stop: (_, reply) => reply(null, {}),
});
// A plugin that does not end when told so is waited for two seconds, each time.
server.addService(plugin.GRPCController.service, {
    Shutdown: (_, reply) => {
        reply(null, {});
        setImmediate(() => process.exit(0));
    },
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`1|5|tcp|127.0.0.1:${port}|grpc\n`);
});
// Without the Terraform that started it there is nobody to serve.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref();
