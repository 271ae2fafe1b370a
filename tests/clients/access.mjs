// API keys: made on one node, known on all; revoked on one, refused on all.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { until } from './support/cluster.mjs';

const messages = [{ role: 'user', content: 'hello' }];

/** `{ id, secret }` of a new key. */
async function create(cluster, node, name, tenant, ...more) {
  const made = JSON.parse(await cluster.tandem(node, 'keys', 'create', '--name', name, '--tenant', tenant, ...more, '--json'));
  return { id: made.keys[0].id, secret: made.secret };
}

const client = (node, apiKey) => new OpenAI({ baseURL: `${node.url}/v1`, apiKey, maxRetries: 0 });
const status_of = async (node, key) => (await fetch(`${node.url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } })).status;

export function access_tests(at) {
  it('a key that is made on one node holds on the others, a revoked one on none', async () => {
    const { cluster } = at();
    const [first, ...others] = cluster.nodes;
    const made = await create(cluster, first, 'it', 'team-a', '--model', 'stub-chat');
    for (const node of others) await until(async () => (await status_of(node, made.secret)) === 200, 20_000, () => cluster.log());
    for (const node of cluster.nodes) {
      const ai = client(node, made.secret);
      const answer = await ai.chat.completions.create({ model: 'stub-chat', messages });
      assert.equal(answer.choices[0].message.content, 'You said: hello');
      const names = (await ai.models.list()).data.map((each) => each.id);
      assert.deepEqual(names, ['stub-chat']);
      await assert.rejects(ai.chat.completions.create({ model: 'executor', messages }), OpenAI.NotFoundError);
    }
    await cluster.tandem(others[0], 'keys', 'revoke', made.id);
    for (const node of cluster.nodes) {
      await until(async () => (await status_of(node, made.secret)) === 401, 20_000, () => cluster.log());
      await assert.rejects(client(node, made.secret).chat.completions.create({ model: 'stub-chat', messages }), (error) =>
        error instanceof OpenAI.AuthenticationError && error.code === 'invalid_api_key' && /revoked/.test(error.message));
    }
  });

  it('a wrong key is an authentication error, a foreign one on loopback is none', async () => {
    const { cluster } = at();
    const made = await create(cluster, cluster.nodes[0], 'other', 'team-b');
    const wrong = made.secret.slice(0, -4) + (made.secret.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    await assert.rejects(client(cluster.nodes[0], wrong).models.list(), (error) =>
      error instanceof OpenAI.AuthenticationError && error.code === 'invalid_api_key');
    assert.ok((await client(cluster.nodes[0], 'sk-anything').models.list()).data.length > 0);
  });

  it('a key for some other model submits no job', async () => {
    const { cluster } = at();
    const made = await create(cluster, cluster.nodes[0], 'chats', 'team-e', '--model', 'stub-chat');
    const answer = await fetch(`${cluster.nodes[0].url}/v1/jobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ goal: 'What is 2+3?' }),
    });
    assert.equal(answer.status, 403);
    assert.equal((await answer.json()).error.code, 'model_not_allowed');
  });

  it('the decision that an answer names is told to operators', async () => {
    const [node] = at().cluster.nodes;
    const answer = await client(node, 'none').chat.completions.create({ model: 'tandem-auto', messages });
    assert.match(answer.tandem.decision, /^[1-9]\d*$/);
    const found = await fetch(`${node.url}/v1/admin/routing/decisions/${answer.tandem.decision}`);
    assert.equal(found.status, 200);
    const { decision } = await found.json();
    assert.equal(decision.id, answer.tandem.decision);
    assert.equal(decision.arms[decision.chosen].model, answer.tandem.model);
  });

  it('a job of one tenant is not there for another', async () => {
    const { cluster } = at();
    const keys = [];
    for (const tenant of ['team-c', 'team-d']) keys.push((await create(cluster, cluster.nodes[1], tenant, tenant)).secret);
    const answer = await client(cluster.nodes[1], keys[0]).chat.completions.create({ model: 'tandem', messages: [{ role: 'user', content: 'What is 2+3?' }] });
    const look = async (key, path) => (await fetch(`${cluster.nodes[1].url}/v1${path}`, { headers: { authorization: `Bearer ${key}` } }));
    assert.equal((await look(keys[0], `/jobs/${answer.tandem.job}`)).status, 200);
    for (const path of ['', '/result', '/events']) assert.equal((await look(keys[1], `/jobs/${answer.tandem.job}${path}`)).status, 404, path);
    assert.deepEqual((await (await look(keys[1], '/jobs')).json()).data, []);
    assert.equal((await look(keys[0], '/admin/topology')).status, 403);
  });
}
