// Proves that what is committed and generated is what the sources generate: `dist`, which the box
// embeds so that building it needs no npm, and the API's types. Run by `npm run check`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build } from "vite";

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Names of the files that are not byte for byte the same in both folders. */
function differences(committed, fresh) {
  const names = new Set([...filesIn(committed), ...filesIn(fresh)]);
  const read = (folder, name) => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      return null;
    }
  };
  return [...names].filter((name) => {
    const [before, now] = [read(committed, name), read(fresh, name)];
    return before === null || now === null || !before.equals(now);
  });
}

const fresh = mkdtempSync(join(tmpdir(), "seedbox-panel-"));
const complaints = [];
try {
  await build({ logLevel: "warn", build: { outDir: join(fresh, "dist"), emptyOutDir: true } });
  for (const name of differences("dist", join(fresh, "dist"))) {
    complaints.push(`dist/${name} is not what the sources build: run \`npm run build\`.`);
  }
  const types = join(fresh, "api.gen.ts");
  execFileSync("node_modules/.bin/openapi-typescript", ["openapi.json", "-o", types], { stdio: "pipe" });
  if (!readFileSync(types).equals(readFileSync("src/api.gen.ts"))) {
    complaints.push("src/api.gen.ts is not what openapi.json says: run `npm run api`.");
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
console.log("dist and src/api.gen.ts are up to date.");
