// A real llama-server, which one of the nodes is in front of.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { free_port, models_folder } from './support/cluster.mjs';
import { start } from './support/processes.mjs';

const program = process.env.TANDEM_LLAMA_SERVER || new URL('../../build/engines/llama-server', import.meta.url).pathname;
const needed = process.env.TANDEM_REAL_ENGINES === '1';

/** Nothing where there is none and none has to be. */
export async function start_real() {
  if (!existsSync(program)) {
    if (needed) throw new Error(`TANDEM_REAL_ENGINES=1, but there is no ${program}: scripts/engines.sh installs one`);
    return undefined;
  }
  const servers = [];
  for (const more of [[], ['--embeddings', '--pooling', 'mean']]) {
    const port = await free_port();
    const args = ['-m', `${models_folder}/tandem-executor-v2-f16.gguf`, '--host', '127.0.0.1', '--port', `${port}`, '-np', '2', '-c', '2048', '-t', '1', ...more];
    servers.push({ process: start(program, args), url: `http://127.0.0.1:${port}` });
  }
  for (const server of servers) await server.process.line(/listening on http/);
  return { chat: servers[0].url, vectors: servers[1].url, stop: () => Promise.all(servers.map((each) => each.process.stop())) };
}

export function real_engine_tests(at) {
  it('chats, streams and keeps to a schema', async (t) => {
    const { ai, real } = at();
    if (!real) return t.skip('there is no llama-server');
    const ask = { model: 'real-chat', messages: [{ role: 'system', content: 'act' }, { role: 'user', content: 'add 12 7' }], temperature: 0 };
    const answer = await ai.chat.completions.create(ask);
    assert.equal(answer.choices[0].message.content, '19');
    const streamed = await ai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } }).finalChatCompletion();
    assert.equal(streamed.choices[0].message.content, '19');
    assert.equal(streamed.usage.completion_tokens, answer.usage.completion_tokens);
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
    const shaped = await ai.chat.completions.create({ ...ask, max_tokens: 60, response_format: { type: 'json_schema', json_schema: { name: 'number', schema } } });
    assert.equal(typeof JSON.parse(shaped.choices[0].message.content).n, 'number');
    assert.equal((await ai.responses.create({ model: 'real-chat', instructions: 'act', input: 'add 12 7', temperature: 0 })).output_text, '19');
  });

  it('makes vectors', async (t) => {
    const { ai, real } = at();
    if (!real) return t.skip('there is no llama-server');
    const compact = await ai.embeddings.create({ model: 'real-vectors', input: ['one', 'two'] });
    const plain = await ai.embeddings.create({ model: 'real-vectors', input: ['one', 'two'], encoding_format: 'float' });
    assert.equal(compact.data.length, 2);
    assert.ok(compact.data[0].embedding.length > 8);
    for (const index of [0, 1])
      compact.data[index].embedding.forEach((value, i) => assert.ok(Math.abs(value - plain.data[index].embedding[i]) < 1e-4));
    assert.notDeepEqual(plain.data[0].embedding, plain.data[1].embedding);
  });
}
