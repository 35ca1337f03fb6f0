// Two people in real browsers talk and see each other move through four real boxes, two entries and two that
// host the room, and go on when the room's box is killed: node world/relay/boxes.mjs <seedbox> <browser>,
// after `npm run world`. One comes to his entry by a WebSocket, the other by WebTransport. Fails unless each knows
// the other's wallet, both are back within five seconds, each has heard all that the other said, once and in order, and
// a note was read.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [program, browser] = process.argv.slice(2);
const BACK = 5_000;
const LIMIT = 60_000;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const relay = new Function(`${readFileSync(here("../dist/relay.js"), "utf8")}; return SeedboxRelay;`)();
const folder = mkdtempSync(join(tmpdir(), "relay-boxes-"));
const boxes = [];

async function until(what, probe) {
  const end = Date.now() + LIMIT;
  for (;;) {
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error.message}`);
    }
    if (Date.now() > end) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A box that knows nobody but those in `relay_boxes`. */
async function start(further = {}) {
  const data = join(folder, String(boxes.length));
  mkdirSync(data);
  const settings = {
    data,
    admin_listen: "127.0.0.1:0",
    public_listen: "127.0.0.1:0",
    peer_listen: "127.0.0.1:0",
    mesh_listen: "127.0.0.1:0",
    mesh_addresses: "127.0.0.1:0",
    mesh_port_mapping: "false",
    dht: "false",
    lan: "127.0.0.0/8",
    quota: "100MB",
    reserve: "1MB",
    ...further,
  };
  const named = Object.entries(settings).map(([name, value]) => [`SEEDBOX_${name.toUpperCase()}`, value]);
  const log = openSync(join(data, "log"), "w");
  const child = spawn(program, ["run"], {
    env: { ...process.env, ...Object.fromEntries(named) },
    stdio: ["ignore", log, log],
  });
  boxes.push(child);
  const listening = () => JSON.parse(readFileSync(join(data, "listening.json"), "utf8"));
  const base = `http://${(await until("a box listens", listening)).public}`;
  const own = await until("a box describes itself", () => relay.fetchOwnDescriptor(base));
  return { child, base, own };
}

/** How a box is told of another: node ID and where the mesh reaches it. */
async function nameOf({ base, own }) {
  const { descriptors } = await (await fetch(`${base}/v1/relay`)).json();
  const bytes = Buffer.from(descriptors[0], "base64");
  let at = 114;
  for (let urls = bytes[at++]; urls > 0; urls--) at += 1 + bytes[at];
  // The first of its addresses is IPv4 here: 4, four bytes, the port.
  const address = bytes.subarray(at + 2, at + 6).join(".");
  return `${relay.hex(own.node).slice(2)}@${address}:${bytes.readUInt16LE(at + 6)}`;
}

try {
  const mailbox = { relay_mailbox: "1MB" };
  const hosts = [await start(mailbox), await start(mailbox)];
  const names = (await Promise.all(hosts.map(nameOf))).join();
  const streams = { relay_urls: "https://127.0.0.1:0/relay", relay_webtransport: "127.0.0.1:0" };
  const entries = [await start({ relay_boxes: names }), await start({ relay_boxes: names, ...streams })];
  for (const { base } of entries) {
    await until("an entry knows the room's boxes", async () => {
      const known = await relay.fetchDescriptors(base);
      return hosts.every(({ own }) => known.some(({ node }) => relay.hex(node) === relay.hex(own.node)));
    });
  }
  const invitation = relay.invitationText({
    policy: 0,
    owner: new Uint8Array(32),
    secret: crypto.getRandomValues(new Uint8Array(32)),
    boxes: hosts.map(({ own: { node, noise } }) => ({ node, noise })),
    ticket: null,
    rule: null,
  });

  const people = spawn("node", [here("browser.mjs"), browser, invitation, ...entries.map(({ base }) => base)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let death = null;
  let isWhole = false;
  const came = new Set();
  const back = new Map();
  for await (const line of createInterface({ input: people.stdout })) {
    console.log(line);
    const [at, ...words] = line.split(" ");
    const text = words.join(" ");
    if (text.startsWith("error") || / gone /.test(text)) throw new Error(text);
    if (text === "talking") {
      death = Date.now();
      hosts[0].child.kill("SIGKILL");
    }
    if (/ came by /.test(text)) came.add(text);
    const home = / here at box 1 /.exec(text);
    if (home !== null && death !== null) back.set(words[0], Number(at) - death);
    isWhole ||= text === "all was heard once and in order";
  }
  if (!isWhole) throw new Error("not all was heard");
  for (const way of ["anna came by WebSocket", "bert came by WebTransport"]) {
    if (!came.has(way)) throw new Error(`not ${way}, but ${[...came].join(", ")}`);
  }
  for (const name of ["anna", "bert"]) {
    const away = back.get(name);
    if (!(away <= BACK)) throw new Error(`${name} was back after ${away} ms`);
    console.log(`${name} was back ${away} ms after the room's box was killed`);
  }
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of boxes) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
