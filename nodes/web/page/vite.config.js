import { defineConfig } from 'vite';

// The build writes where CMake says; `npm run build` alone writes to dist/.
export default defineConfig({
  base: './',
  build: {
    outDir: process.env.TANDEM_PAGE_OUT || 'dist',
    emptyOutDir: true,
    target: 'es2021',
    // The content security policy allows no inline script, style or data: font.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    sourcemap: false,
  },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  worker: { format: 'es' },
  server: { proxy: { '/v1': process.env.TANDEM_NODE || 'http://127.0.0.1:8421' } },
});
