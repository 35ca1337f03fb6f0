// Runs the known answers of all primitives in a real browser, on a page from disk:
// node world/relay/known-answers-browser.mjs <browser>
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";

const entry = fileURLToPath(new URL("known-answers.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "known-answers-"));
try {
  const lib = { entry, formats: ["iife"], name: "Relay", fileName: () => "script.js" };
  await build({ configFile: false, logLevel: "warn", build: { outDir: folder, emptyOutDir: true, lib } });
  writeFileSync(join(folder, "page.html"), '<!doctype html><script src="script.js"></script>');
  const browser = await chromium.launch({ executablePath: process.argv[2] });
  try {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, "page.html")).href);
    console.log(await page.evaluate(() => Relay.checkKnownAnswers().join(", ")));
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
