// Opens the map's page from disk in a real browser and tells what happens there, line by line, until
// it is ended: node world/browser.mjs <browser> <address of the box> <x> <y> <land> <slot>
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [executablePath, base, x, y, land, slot] = process.argv.slice(2);
const recorded = JSON.parse(readFileSync(new URL("proofs.json", import.meta.url)));
const browser = await chromium.launch({ executablePath });
const page = await browser.newPage();
page.on("console", (message) => console.log(message.text()));
page.on("pageerror", (error) => console.log(`error: ${error.message}`));
await page.goto(`${new URL("page.html", import.meta.url)}#${encodeURIComponent(base)}`);
console.log(`origin ${await page.evaluate(() => globalThis.origin)}`);

console.log(
  await page.evaluate(({ minted: { x, y, proof } }) => {
    const { owner } = SeedboxWorld.verifyParcel(proof, { x, y, land: proof.account, slot: 2n });
    return `recorded proof holds for ${owner}`;
  }, recorded),
);

// As soon as the box proves parcels, the page checks one by itself.
const proved = await page.evaluate(
  async ({ base, x, y, land, slot }) => {
    const { epoch } = await (await fetch(`${base}/grid/head`)).json();
    const answer = await fetch(`${base}/grid/${epoch}/${x}/${y}/proof`);
    const body = await answer.json();
    if (answer.status !== 200) return `unproved: ${answer.status} ${body.type}`;
    const known = { x, y, land, slot: BigInt(slot) };
    return `proved ${SeedboxWorld.verifyParcel(body, known).owner}`;
  },
  { base, x: Number(x), y: Number(y), land, slot },
);
console.log(proved);
