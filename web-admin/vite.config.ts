// How the panel is bundled: plain files that a strict content security policy lets through, the
// same bytes on every machine, because `dist` is committed and compared.
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/",
  build: {
    target: ["chrome111", "edge111", "firefox114", "safari16.4"],
    modulePreload: { polyfill: false },
    // A data: URL would need a wider policy than 'self' for anything but images.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { url: "http://seedbox.local/" } },
    include: ["src/**/*.test.{ts,tsx}", "world/**/*.test.ts"],
  },
});
