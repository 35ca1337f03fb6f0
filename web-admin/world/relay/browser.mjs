// Opens the relay's page from disk in two real browsers, lets two people talk and move, and tells what
// happens there, line by line: node world/relay/browser.mjs <browser> <invitation> <entries of anna>
// <entries of bert>; entries are separated by commas. Ends when each knows the other's wallet and has heard all that
// the other said, and bert has read what anna left in the mailbox.
import { randomBytes } from "node:crypto";
import { chromium } from "playwright-core";
import { giveWallet } from "./browser-wallet.mjs";

const [executablePath, invitation, ...entries] = process.argv.slice(2);
const MESSAGES = 80;
const PAUSE = 100;
const tell = (line) => console.log(`${Date.now()} ${line}`);

async function enter(name, other, own) {
  const browser = await chromium.launch({ executablePath });
  const page = await browser.newPage();
  const wallet = await giveWallet(page, randomBytes(32));
  const person = { name, other, page, browser, wallet, heard: [], sees: false, hasLeft: false, knows: null, read: null };
  // By what it comes to its boxes.
  await page.addInitScript(() => {
    globalThis.opened = [];
    for (const kind of ["WebTransport", "WebSocket"]) {
      globalThis[kind] = class extends globalThis[kind] {
        constructor(...options) {
          super(...options);
          globalThis.opened.push(kind);
        }
      };
    }
  });
  page.on("pageerror", (error) => tell(`error: ${name}: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    const said = `${other}: message `;
    if (text.startsWith(said)) person.heard.push(Number(text.slice(said.length)));
    else if (!text.startsWith("you: ")) tell(`${name} ${text}`);
    if (text === `sees ${other}`) person.sees = true;
    if (text === "left a note") person.hasLeft = true;
    if (text.startsWith(`member ${other} `)) person.knows = text;
    if (text.startsWith(`${other} `) && text.endsWith(": until tomorrow")) person.read = text;
  });
  await page.goto(new URL("page.html", import.meta.url).href);
  await page.fill("#name", name);
  await page.fill("#entries", own.replaceAll(",", " "));
  await page.fill("#invitation", invitation);
  await page.check("#wallet");
  await page.click("#enter button");
  return person;
}

async function until(what, isSo) {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  tell(what);
}

/** Says a message, again if too much was on its way. */
async function say({ page }, number) {
  const text = `message ${number}`;
  const isTaken = () =>
    page.evaluate((text) => {
      document.getElementById("text").value = text;
      document.getElementById("say").requestSubmit();
      return document.getElementById("text").value === "";
    }, text);
  while (!(await isTaken())) await new Promise((resolve) => setTimeout(resolve, PAUSE));
}

/** Where one is, and where the other is seen by him. */
const where = ({ page }) => page.evaluate("({ me: { ...me }, seen: [...others.values()][0]?.at ?? null })");

async function moves(mover, watcher) {
  await mover.page.keyboard.press("ArrowRight");
  const { me } = await where(mover);
  await until(`${watcher.name} saw ${mover.name} move`, async () => {
    const { seen } = await where(watcher);
    return seen !== null && seen.x === me.x && seen.y === me.y;
  });
}

const people = await Promise.all([enter("anna", "bert", entries[0]), enter("bert", "anna", entries[1])]);
const [anna, bert] = people;
try {
  await until("both see each other", () => anna.sees && bert.sees);
  for (const person of people) {
    const { wallet } = people.find(({ name }) => name === person.other);
    if (person.knows !== `member ${person.other} (${wallet})`) throw new Error(`${person.name} knows: ${person.knows}`);
  }
  await moves(anna, bert);
  await moves(bert, anna);
  for (const { name, page } of people) tell(`${name} came by ${(await page.evaluate("opened")).join(" ")}`);
  tell("talking");
  for (let number = 0; number < MESSAGES; number++) {
    await Promise.all(people.map((person) => say(person, number)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  const wanted = Array.from({ length: MESSAGES }, (_, number) => number).join();
  for (const { name, heard } of people) {
    await until(`${name} has heard ${MESSAGES}`, () => heard.length >= MESSAGES);
    if (heard.join() !== wanted) throw new Error(`${name} heard ${heard.join()}`);
  }
  await moves(anna, bert);
  await moves(bert, anna);
  await anna.page.fill("#note", "until tomorrow");
  await anna.page.press("#note", "Enter");
  await until("anna left a note", () => anna.hasLeft);
  await bert.page.click("#notes");
  await until("bert read it", () => bert.read?.startsWith(`anna (${anna.wallet}) left a note`));
  tell("all was heard once and in order");
} catch (error) {
  tell(`error: ${error.message}`);
} finally {
  await Promise.all(people.map(({ browser }) => browser.close()));
}
