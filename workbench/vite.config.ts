import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The server whose data is shown during development: VIEW_SERVER=http://127.0.0.1:8731 npm run dev
const server = process.env.VIEW_SERVER ?? "http://127.0.0.1:8731";

export default defineConfig({
  plugins: [svelte()],
  base: "./",
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  build: {
    outDir: "../src/affectlens/workbench/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    reportCompressedSize: false,
    // Two files with fixed names, so that a fresh build of the same source is the same bytes under the same names.
    rollupOptions: {
      output: { entryFileNames: "assets/app.js", assetFileNames: "assets/app[extname]", inlineDynamicImports: true },
    },
  },
});
