// Puts the built page into a C++ source: node embed.mjs FOLDER SOURCE [LIMIT_KIB]
// Fails when the files that a browser loads are bigger, compressed, than LIMIT_KIB.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const [folder, source, limitKib = '300'] = process.argv.slice(2);
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

function filesIn(place) {
  return readdirSync(place, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? filesIn(join(place, each.name)) : [join(place, each.name)]));
}

const assets = filesIn(folder)
  .map((file) => {
    const name = `/${relative(folder, file).replaceAll('\\', '/')}`;
    const type = types[extname(file)];
    if (!type) throw new Error(`embed: ${name} is of a kind that the page should not have`);
    const gzip = gzipSync(readFileSync(file), { level: 9 });
    const etag = createHash('sha256').update(gzip).digest('hex').slice(0, 32);
    return { path: name === '/index.html' ? '/' : name, type, gzip, etag, immutable: name.startsWith('/assets/') };
  })
  .sort((a, b) => (a.path < b.path ? -1 : 1));

const total = assets.reduce((sum, each) => sum + each.gzip.length, 0);
for (const each of assets) console.log(`page: ${String(each.gzip.length).padStart(7)} ${each.path}`);
console.log(`page: ${String(total).padStart(7)} bytes compressed, of ${Number(limitKib) * 1024}`);
if (total > Number(limitKib) * 1024) throw new Error(`embed: the page is ${total} bytes compressed; ${limitKib} KiB is the most`);

// Octal escapes end after three digits, whatever follows.
function literal(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) {
    let line = '';
    for (const byte of bytes.subarray(i, i + 32)) {
      const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    }
    lines.push(`    "${line}"`);
  }
  return lines.join('\n');
}

const bodies = assets.map((each, i) => `constexpr char file_${i}[] =\n${literal(each.gzip)};`);
const rows = assets.map(
  (each, i) => `    {${JSON.stringify(each.path)}, ${JSON.stringify(each.type)}, {file_${i}, ${each.gzip.length}}, "\\"${each.etag}\\"", ${each.immutable}},`,
);
mkdirSync(dirname(source), { recursive: true });
writeFileSync(
  source,
  `// Made by nodes/web/page/embed.mjs.

#include "nodes/web/page/page_table.hpp"

namespace tandem::web {
namespace {

${bodies.join('\n')}

}  // namespace

const page_asset page_table[]{
${rows.join('\n')}
};
const std::size_t page_table_size = ${assets.length};

}  // namespace tandem::web
`,
);
