// Unchanged clients from npm against a cluster of three real nodes; see README.md.
import { after, before, describe } from 'node:test';
import OpenAI from 'openai';
import { start_cluster } from './support/cluster.mjs';
import { kill_all } from './support/processes.mjs';
import { start_stub } from './support/stub_server.mjs';
import { access_tests } from './access.mjs';
import { langchain_tests } from './langchain.mjs';
import { chat_tests } from './openai_chat.mjs';
import { job_tests } from './openai_jobs.mjs';
import { response_tests } from './openai_responses.mjs';
import { real_engine_tests, start_real } from './real_engine.mjs';

let stub;
let real;
let cluster;

before(async () => {
  try {
    stub = await start_stub();
    real = await start_real();
    cluster = await start_cluster({ stub_url: stub.url, real });
  } catch (error) {
    kill_all();
    throw error;
  }
});
after(async () => {
  await cluster?.stop();
  await real?.stop();
  if (cluster && process.env.TANDEM_SHOW_LOGS) console.error(cluster.log());
});

for (const [index, name] of ['n1', 'n2', 'n3'].entries()) {
  const at = () => {
    const node = cluster.nodes[index];
    return { cluster, stub, real, node, ai: new OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'none', maxRetries: 0 }) };
  };
  describe(`chats of the openai client, at ${name}`, () => chat_tests(at));
  describe(`responses of the openai client, at ${name}`, () => response_tests(at));
  describe(`jobs of the openai client, at ${name}`, () => job_tests(at));
  describe(`a real engine, at ${name}`, () => real_engine_tests(at));
  describe(`LangChain, at ${name}`, () => langchain_tests(at));
}
describe('API keys', () => access_tests(() => ({ cluster })));
