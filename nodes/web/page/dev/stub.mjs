// A node that is not there: serves the built page and answers as docs/http-api.md says, from recorded answers of real nodes
// (fixtures/) and jobs that are only played. For work on the page, and for tests/browser without a node.
//   node dev/stub.mjs [--port 8421] [--page dist] [--nodes 3] [--engines 9] [--key KEY] [--tenant-key KEY]

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Cluster } from './stub_cluster.mjs';
import { Jobs } from './stub_jobs.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8421' },
    page: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
    nodes: { type: 'string', default: '3' },
    engines: { type: 'string', default: '9' },
    key: { type: 'string', default: '' },
    'tenant-key': { type: 'string', default: '' },
    empty: { type: 'boolean', default: false },
  },
});
const fixture = (name) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url)));
const jobs = new Jobs(values.empty ? [] : fixture('jobs').jobs, fixture('job'));
const cluster = new Cluster(fixture, jobs, { nodes: Number(values.nodes), engines: Number(values.engines), isEmpty: values.empty });

// As strict as the node's own.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

function fail(response, status, message) {
  json(response, { error: { message, type: status === 401 ? 'authentication_error' : 'invalid_request_error', param: null, code: null } }, status);
}

function json(response, body, status = 200) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : {};
}

async function asset(path, response) {
  const inside = normalize(path === '/' ? '/index.html' : path);
  try {
    const content = await readFile(join(values.page, inside));
    response.writeHead(200, {
      'Content-Type': types[inside.split('.').pop()] ?? 'application/octet-stream',
      'Content-Encoding': 'gzip',
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': inside.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    response.end(gzipSync(content));
  } catch {
    fail(response, 404, `There is no ${path} here.`);
  }
}

function tenantOf(request) {
  if (!values.key) return { tenant: '', admin: true, key: '' };
  const key = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  if (key === values.key) return { tenant: '', admin: true, key: 'operator' };
  if (values['tenant-key'] && key === values['tenant-key']) return { tenant: 'acme', admin: false, key: 'acme-web' };
  return null;
}

function events(request, response, job, url) {
  const after = Number(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? 0);
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.flushHeaders();
  const send = (event) => {
    response.write(`id: ${event.number}\nevent: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`);
    if (event.event === 'end') response.end();
  };
  for (const event of job.events) if (event.number > after || event.event === 'end') send(event);
  job.listeners.add(send);
  request.on('close', () => job.listeners.delete(send));
}

async function api(request, response, url) {
  const me = tenantOf(request);
  if (!me) return fail(response, 401, 'This needs an API key: Authorization: Bearer KEY.');
  const path = url.pathname.slice(4).split('/').map(decodeURIComponent);
  const isPost = request.method === 'POST';
  if (path[0] === 'whoami') return json(response, { ...me, node: 'alpha', version: '0.1.0' });
  if (path[0] === 'admin') {
    if (!me.admin) return fail(response, 403, 'This needs an admin key.');
    const said = cluster.answer(path.slice(1));
    return said ? json(response, said) : fail(response, 404, `There is no ${url.pathname}.`);
  }
  if (path[0] === 'feedback' && isPost) {
    const { job, score } = await bodyOf(request);
    const known = jobs.find(job);
    if (!known) return fail(response, 404, `There is no job ${job}.`);
    known.view.feedback = score;
    return json(response, jobs.summary(known));
  }
  if (path[0] !== 'jobs') return fail(response, 404, `There is no ${url.pathname}.`);
  if (path.length === 1) {
    if (!isPost) return json(response, jobs.page(url.searchParams));
    const body = await bodyOf(request);
    if (!body.goal?.trim()) return fail(response, 400, 'A job needs a goal.');
    if (body.budget_usd < 0) return fail(response, 400, 'budget_usd is -1, but must be at least 0.');
    return json(response, jobs.summary(jobs.submit(body)), 201);
  }
  const job = jobs.find(path[1]);
  if (!job) return fail(response, 404, `There is no job ${path[1]}.`);
  if (path.length === 2) return json(response, jobs.view(job));
  if (path[2] === 'events') return events(request, response, job, url);
  if (!isPost) return fail(response, 405, 'POST it.');
  const problem = jobs.act(job, path[2], (await bodyOf(request)).reason ?? '');
  return problem ? fail(response, 409, problem) : json(response, jobs.summary(job));
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://stub');
  (url.pathname.startsWith('/v1/') ? api(request, response, url) : asset(url.pathname, response)).catch?.((error) => fail(response, 500, String(error)));
});
server.listen(Number(values.port), '127.0.0.1', () => console.log(`stub: http://127.0.0.1:${server.address().port}/`));
