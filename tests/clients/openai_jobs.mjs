// The model `tandem`: chats that become jobs.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { until } from './support/cluster.mjs';

const messages = [{ role: 'user', content: 'What is (12+7)*3-5?' }];
const endless = [{ role: 'user', content: 'Talk for ever' }];

const jobs_with = async (node, tag) => (await (await fetch(`${node.url}/v1/jobs?tag=${tag}`)).json()).data;
let number = 0;
const fresh_tag = (name) => `test-${name}-${++number}`;

export function job_tests(at) {
  it('a planned job plans with the large model, acts with the small one, and answers', async () => {
    const answer = await at().ai.chat.completions.create({ model: 'tandem', messages, tandem: { cache: 'off' } });
    assert.equal(answer.choices[0].message.content, '52');
    assert.match(answer.tandem.job, /^[a-z0-9]+-\d+$/);
    assert.ok(answer.tandem.calls >= 4, 'a plan and three steps');
    assert.ok(answer.tandem.cost_usd > 0 && answer.tandem.cost_usd < answer.tandem.cost_all_large_usd);
    assert.ok(answer.usage.total_tokens > 0);
  });

  it('while it runs, its stream says in reasoning content what happens', async () => {
    const { ai } = at();
    const chunks = [];
    const ask = { model: 'tandem', messages, stream: true, stream_options: { include_usage: true }, tandem: { cache: 'off' } };
    for await (const chunk of await ai.chat.completions.create(ask)) chunks.push(chunk);
    const join = (name) => chunks.map((each) => each.choices[0]?.delta[name] ?? '').join('');
    assert.equal(join('content'), '52');
    assert.match(join('reasoning_content'), /Plan step 1: [^]*Step 1: 19[^]*Step 2: 57[^]*Step 3: 52/);
    const first_content = chunks.findIndex((each) => each.choices[0]?.delta.content);
    const last_thought = chunks.findLastIndex((each) => each.choices[0]?.delta.reasoning_content);
    assert.ok(last_thought < first_content);
    const last = chunks.at(-1);
    assert.ok(last.usage.total_tokens > 0);
    assert.ok(chunks.some((each) => each.tandem?.job));
    const quiet = [];
    for await (const chunk of await ai.chat.completions.create({ ...ask, tandem: { progress: false } })) quiet.push(chunk);
    assert.ok(quiet.every((each) => !each.choices[0]?.delta.reasoning_content));
  });

  it('options come in the extension object, and are found in the job', async () => {
    const { ai, node } = at();
    const tag = fresh_tag('options');
    const answer = await ai.chat.completions.create({
      model: 'tandem',
      messages,
      tandem: { mode: 'small', tags: [tag], priority: 5, budget_tokens: 100000, check: { kind: 'number' }, timeout_ms: 60000 },
    });
    const [job] = await jobs_with(node, tag);
    assert.equal(job.job, answer.tandem.job);
    assert.equal(job.state, 'done');
    await assert.rejects(ai.chat.completions.create({ model: 'tandem', messages, tandem: { mod: 'small' } }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'tandem.mod' && error.message.includes('mode'));
  });

  it('an idempotency key makes one job of two requests, at whichever node', async () => {
    const { ai, cluster, node } = at();
    const key = fresh_tag(`key-${node.name}`);
    const ask = { model: 'tandem', messages };
    const first = await ai.chat.completions.create(ask, { idempotencyKey: key, headers: { 'Idempotency-Key': key } });
    for (const other of cluster.nodes) {
      const there = new OpenAI({ baseURL: `${other.url}/v1`, apiKey: 'none', maxRetries: 0 });
      const again = await there.chat.completions.create({ ...ask, tandem: { client_key: key } });
      assert.equal(again.tandem.job, first.tandem.job);
      assert.equal(again.choices[0].message.content, '52');
    }
  });

  it('a client that leaves cancels its job, whose calls end; a background job goes on', async () => {
    const { ai, node, stub } = at();
    const ends = ['cancelled', 'done', 'failed'];
    for (const background of [false, true]) {
      const tag = fresh_tag('leaves');
      const controller = new AbortController();
      // Its judge does not come to a verdict.
      const ask = { model: 'tandem', messages: endless, stream: true, tandem: { mode: 'small', check: { kind: 'judge', argument: 'It is short.' }, tags: [tag], background } };
      const asked = ai.chat.completions.create(ask, { signal: controller.signal });
      const stream = await asked;
      const before = await until(async () => stub.state.endless === 1 && (await jobs_with(node, tag))[0]);
      assert.equal(before.state, 'running');
      controller.abort();
      // This client ends a stream that was left without an error.
      let is_finished = false;
      for await (const chunk of stream) is_finished ||= chunk.choices.some((each) => each.finish_reason || each.delta.content);
      assert.ok(!is_finished, 'the stream was left before its answer');
      if (background) {
        // What comes after it on the same node has been answered, it still runs.
        await ai.chat.completions.create({ model: 'small', messages });
        assert.equal((await jobs_with(node, tag))[0].state, 'running');
        await fetch(`${node.url}/v1/jobs/${before.job}/cancel`, { method: 'POST' });
      }
      const ended = await until(async () => {
        const now = (await jobs_with(node, tag))[0];
        return ends.includes(now.state) && now;
      });
      assert.equal(ended.state, 'cancelled', JSON.stringify(ended));
      assert.match(ended.reason, background ? /over HTTP/ : /client left/);
      await until(() => stub.state.endless === 0);
    }
  });
}
