// How the relay's client is bundled: one classic script, because a page from file:// may load no
// modules.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("."),
  build: {
    target: ["chrome111", "edge111", "firefox114", "safari16.4"],
    outDir: at("../dist"),
    emptyOutDir: false,
    lib: { entry: at("index.ts"), formats: ["iife"], name: "SeedboxRelay", fileName: () => "relay.js" },
  },
});
