// Three tandem-nodes of one authority: the large model is on n1 (and what is real, behind it), the small one on n2, a
// server of tools, pictures and vectors (the stub) behind n3. Every node names every model, so that each answers for all.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, start } from './processes.mjs';

const bin = process.env.TANDEM_BIN_DIR ?? new URL('../../../build/dev/bin', import.meta.url).pathname;
export const models_folder = process.env.TANDEM_MODELS_DIR ?? new URL('../../../config/models', import.meta.url).pathname;

const own_prompts = `plan_system = "plan"
plan_prompt = "{{goal}}"
step_system = "act"
answer_system = "answer"
`;

const all_models = `
[[model]]
name = "planner"
tier = "large"
input_price = 24.7
output_price = 24.7
${own_prompts}
[[model]]
name = "executor"
tier = "small"
input_price = 0.24
output_price = 0.24
${own_prompts}
[[model]]
name = "stub-chat"
tier = "tools"
input_price = 1.0
output_price = 2.0

[[model]]
name = "stub-vectors"
tier = "vectors"
input_price = 0.1
embeds = true
`;

const real_models = `
[[model]]
name = "real-chat"
tier = "real"
input_price = 1.0
output_price = 2.0

[[model]]
name = "real-vectors"
tier = "real-vectors"
embeds = true
`;

const embedded = (name, file) => `
[[engine]]
name = "${name}"
kind = "embedded"
model = "${name}"
path = "${models_folder}/${file}"
`;

const served = (name, url, server = 'openai') => `
[[engine]]
name = "${name}"
kind = "http"
model = "${name}"
concurrency = 16

[engine.http]
url = "${url}"
server = "${server}"
health_interval = "100ms"
`;

export async function free_port() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `real`: the addresses of real servers, for n1 to be in front of; undefined: there are none. */
export async function start_cluster({ stub_url, real }) {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-clients-'));
  process.on('exit', () => {
    if (!process.env.TANDEM_KEEP) rmSync(folder, { recursive: true, force: true });
  });
  const certs = (...args) => run(join(bin, 'tandem'), ['certs', ...args, '--tls', join(folder, 'ca')]);
  await certs('init', '--name', 'tandem');
  await certs('issue', '--kind', 'client', '--name', 'test', '--out', join(folder, 'client'));
  const own = {
    n1: embedded('planner', 'tandem-planner-v1-f16.gguf') + (real ? served('real-chat', real.chat, 'llama.cpp') + served('real-vectors', real.vectors, 'llama.cpp') : ''),
    n2: embedded('executor', 'tandem-executor-v2-f16.gguf'),
    n3: served('stub-chat', stub_url) + served('stub-vectors', stub_url),
  };
  const names = Object.keys(own);
  const ports = {};
  for (const name of names) ports[name] = await free_port();
  const nodes = [];
  for (const name of names) {
    const data = join(folder, name, 'data');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    await certs('issue', '--kind', 'node', '--name', name, '--out', join(data, 'tls'));
    const config = join(folder, name, 'node.toml');
    writeFileSync(config, `[node]
name = "${name}"
listen = "127.0.0.1:${ports[name]}"

[cluster]
join = [${names.filter((each) => each !== name).map((each) => `"127.0.0.1:${ports[each]}"`).join(', ')}]
# Nobody is lost because the machine is busy.
suspect_after = "15s"
gone_after = "30s"

[verification]
judge_tier = "tools"

[routing]
policy = "auto"

[http]
listen = "127.0.0.1:0"
${all_models}${real ? real_models : ''}${own[name]}`);
    const child = start(join(bin, 'tandem-node'), ['--config', config, '--data', data]);
    nodes.push({ name, child, address: `127.0.0.1:${ports[name]}` });
  }
  for (const node of nodes) {
    const ready = await node.child.line(/^tandem-node ready .*\bhttp=(\S+)/m);
    node.url = ready[1];
  }
  const cluster = {
    folder,
    nodes,
    log: () => nodes.map((node) => `--- ${node.name}\n${node.child.log()}`).join('\n'),
    /** The command line at one node. */
    tandem: (node, ...args) =>
      run(join(bin, 'tandem'), [...args, '--tls', join(folder, 'client'), '--node', node.address]),
    async stop() {
      await Promise.all(nodes.map((node) => node.child.stop()));
    },
  };
  for (const node of nodes) await until(() => sees_all(node, names, real ? 6 : 4), 60_000, () => cluster.log());
  return cluster;
}

async function sees_all(node, names, wanted) {
  const answer = await fetch(`${node.url}/v1/admin/topology`);
  if (!answer.ok) return false;
  const topology = await answer.json();
  const engines = topology.nodes.flatMap((each) => each.engines ?? []);
  return names.every((name) => topology.nodes.some((each) => each.name === name)) && engines.length >= wanted;
}

/** Looks again until `holds` or the limit has passed, then throws with what `why` says. */
export async function until(holds, limit_ms = 20_000, why = () => '') {
  const end = Date.now() + limit_ms;
  for (;;) {
    let last;
    try {
      const found = await holds();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`it did not come true: ${holds} ${last ?? ''}\n${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
