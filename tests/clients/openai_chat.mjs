// chat.completions, models and embeddings, as the official client asks for them.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat, zodFunction } from 'openai/helpers/zod';
import { z } from 'zod';
import { vector_of } from './support/stub_server.mjs';
import { until } from './support/cluster.mjs';

const question = [{ role: 'user', content: 'What is (12+7)*3-5?' }];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' }, celsius: { type: 'boolean' } }, required: ['city'] },
  },
};
const Weather = z.object({ city: z.string(), degrees: z.number(), sunny: z.boolean() });

async function gather(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
const text_of = (chunks) => chunks.map((each) => each.choices[0]?.delta.content ?? '').join('');

export function chat_tests(at) {
  it('a chat is answered by the model that is named, and says what it cost', async () => {
    const { ai } = at();
    for (const [model, tier, name] of [
      ['executor', 'small', 'executor'],
      ['small', 'small', 'executor'],
      ['planner', 'large', 'planner'],
      ['large', 'large', 'planner'],
    ]) {
      const answer = await ai.chat.completions.create({ model, messages: question });
      assert.equal(answer.object, 'chat.completion');
      assert.equal(answer.model, model);
      assert.match(answer.choices[0].message.content, /\d/);
      assert.equal(answer.choices[0].finish_reason, 'stop');
      assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
      assert.ok(answer.usage.completion_tokens > 0);
      assert.equal(answer.tandem.model, name);
      assert.equal(answer.tandem.tier, tier);
      assert.ok(answer.tandem.cost_usd > 0);
    }
  });

  it('the router decides where tandem-auto is asked', async () => {
    const answer = await at().ai.chat.completions.create({ model: 'tandem-auto', messages: question });
    assert.equal(answer.model, 'tandem-auto');
    assert.ok(['planner', 'executor', 'stub-chat'].includes(answer.tandem.model), answer.tandem.model);
    assert.equal(answer.tandem.calls, 1);
  });

  it('a chat is streamed, with its usage when that is asked for', async () => {
    const { ai } = at();
    const ask = { model: 'stub-chat', messages: [{ role: 'user', content: 'one two three four' }], stream: true };
    const chunks = await gather(await ai.chat.completions.create({ ...ask, stream_options: { include_usage: true } }));
    assert.equal(text_of(chunks), 'You said: one two three four');
    assert.ok(chunks.length > 5, 'pieces as the engine made them');
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.at(-1).choices.length, 0);
    assert.equal(chunks.at(-1).usage.completion_tokens, 6);
    assert.equal(chunks.filter((each) => each.choices[0]?.finish_reason === 'stop').length, 1);
    assert.equal(new Set(chunks.map((each) => each.id)).size, 1);
    const without = await gather(await ai.chat.completions.create(ask));
    assert.equal(without.filter((each) => each.usage).length, 0);
    assert.equal(text_of(without), text_of(chunks));
  });

  it('the embedded models stream', async () => {
    const chunks = await gather(await at().ai.chat.completions.create({ model: 'small', messages: question, stream: true }));
    assert.match(text_of(chunks), /^\d+$/);
  });

  it('the helper for streams sees the deltas and the whole answer', async () => {
    const stream = at().ai.chat.completions.stream({ model: 'stub-chat', messages: [{ role: 'user', content: 'hello there' }], stream_options: { include_usage: true } });
    let seen = '';
    stream.on('content', (delta) => { seen += delta; });
    assert.equal(await stream.finalContent(), 'You said: hello there');
    assert.equal(seen, 'You said: hello there');
    const usage = await stream.totalUsage();
    assert.equal(usage.completion_tokens, 4);
  });

  it('tools are passed through: calls, their results, the answer', async () => {
    const { ai } = at();
    const messages = [{ role: 'user', content: 'How is it in Paris?' }];
    const first = await ai.chat.completions.create({ model: 'stub-chat', messages, tools: [weather] });
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    assert.equal(first.choices[0].message.content, null);
    const [call] = first.choices[0].message.tool_calls;
    assert.equal(call.function.name, 'get_weather');
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris', celsius: true });
    messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' });
    const second = await ai.chat.completions.create({ model: 'stub-chat', messages, tools: [weather] });
    assert.equal(second.choices[0].message.content, 'The tools say: 21 degrees');
  });

  it('a streamed call of a tool comes in pieces, its round trip ends in text', async () => {
    const { ai } = at();
    const messages = [{ role: 'user', content: 'How is it in Paris?' }];
    const chunks = await gather(await ai.chat.completions.create({ model: 'stub-chat', messages, tools: [weather], stream: true }));
    const pieces = chunks.flatMap((each) => each.choices[0]?.delta.tool_calls ?? []);
    assert.ok(pieces.length >= 3);
    assert.equal(pieces[0].id, 'call_0_get_weather');
    const text = pieces.map((each) => each.function?.arguments ?? '').join('');
    assert.deepEqual(JSON.parse(text), { city: 'Paris', celsius: true });
    assert.ok(chunks.some((each) => each.choices[0]?.finish_reason === 'tool_calls'));
    messages.push(
      { role: 'assistant', content: null, tool_calls: [{ id: pieces[0].id, type: 'function', function: { name: 'get_weather', arguments: text } }] },
      { role: 'tool', tool_call_id: pieces[0].id, content: 'rain' },
    );
    const last = await gather(await ai.chat.completions.create({ model: 'stub-chat', messages, tools: [weather], stream: true }));
    assert.equal(text_of(last), 'The tools say: rain');
  });

  it('runTools runs them until there is an answer', async () => {
    const asked = [];
    const runner = at().ai.chat.completions.runTools({
      model: 'stub-chat',
      messages: [{ role: 'user', content: 'How is it in Paris?' }],
      tools: [zodFunction({ name: 'get_weather', parameters: z.object({ city: z.string() }), function: ({ city }) => { asked.push(city); return `sun in ${city}`; } })],
    });
    assert.equal(await runner.finalContent(), 'The tools say: sun in Paris');
    assert.deepEqual(asked, ['Paris']);
  });

  it('tool_choice, several calls, n and stop reach the engine as they were said', async () => {
    const { ai, stub } = at();
    const other = structuredClone(weather);
    other.function.name = 'get_time';
    const ask = { model: 'stub-chat', messages: question, tools: [weather, other] };
    const both = await ai.chat.completions.create(ask);
    assert.deepEqual(both.choices[0].message.tool_calls.map((each) => each.function.name), ['get_weather', 'get_time']);
    const one = await ai.chat.completions.create({ ...ask, tool_choice: { type: 'function', function: { name: 'get_time' } } });
    assert.deepEqual(one.choices[0].message.tool_calls.map((each) => each.function.name), ['get_time']);
    const none = await ai.chat.completions.create({ ...ask, tool_choice: 'none', n: 2, stop: ['\n\n'], logit_bias: { 5: -1 } });
    assert.equal(none.choices.length, 2);
    const sent = stub.state.requests.at(-1);
    assert.equal(sent.model, 'stub-chat');
    assert.deepEqual(sent.stop, ['\n\n']);
    assert.deepEqual(sent.logit_bias, { 5: -1 });
    assert.equal(sent.tandem, undefined);
  });

  it('pictures are passed through', async () => {
    const answer = await at().ai.chat.completions.create({
      model: 'stub-chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }],
    });
    assert.equal(answer.choices[0].message.content, 'I see 1 picture(s) of data:image/png;');
  });

  it('an answer fits the schema that was given, parsed by the client', async () => {
    const { ai } = at();
    const ask = { model: 'stub-chat', messages: [{ role: 'user', content: 'Weather as JSON' }], response_format: zodResponseFormat(Weather, 'weather') };
    const answer = await ai.chat.completions.parse(ask);
    assert.deepEqual(answer.choices[0].message.parsed, { city: 'Paris', degrees: 21.5, sunny: true });
    const streamed = await ai.chat.completions.stream(ask).finalChatCompletion();
    assert.deepEqual(streamed.choices[0].message.parsed, { city: 'Paris', degrees: 21.5, sunny: true });
    const plain = await ai.chat.completions.create({ ...ask, response_format: { type: 'json_object' } });
    assert.deepEqual(JSON.parse(plain.choices[0].message.content), { said: 'Weather as JSON' });
  });

  it('a schema is refused where nothing would keep to it', async () => {
    const { ai } = at();
    const ask = { messages: question, response_format: zodResponseFormat(Weather, 'weather') };
    await assert.rejects(ai.chat.completions.create({ ...ask, model: 'large' }), /schema/);
    await assert.rejects(ai.chat.completions.create({ ...ask, model: 'tandem' }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'response_format');
    const answer = await ai.chat.completions.create({ ...ask, model: 'tandem-auto' });
    assert.equal(answer.tandem.model, 'stub-chat');
  });

  it('models are listed, each can be looked up, others are not found', async () => {
    const { ai } = at();
    const names = [];
    for await (const model of ai.models.list()) names.push(model.id);
    for (const name of ['tandem', 'tandem-auto', 'large', 'small', 'planner', 'executor', 'stub-chat', 'stub-vectors'])
      assert.ok(names.includes(name), `${name} in ${names}`);
    assert.equal((await ai.models.retrieve('tandem')).object, 'model');
    await assert.rejects(ai.models.retrieve('gpt-9'), (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
  });

  it('vectors are the same in the client\'s own form and as numbers', async () => {
    const { ai } = at();
    const input = ['a text', 'another text'];
    const compact = await ai.embeddings.create({ model: 'stub-vectors', input });
    const plain = await ai.embeddings.create({ model: 'stub-vectors', input, encoding_format: 'float' });
    assert.equal(compact.data.length, 2);
    for (const index of [0, 1]) {
      assert.deepEqual([...compact.data[index].embedding], vector_of(input[index]));
      assert.deepEqual(plain.data[index].embedding, vector_of(input[index]));
      assert.equal(plain.data[index].index, index);
    }
    assert.equal(plain.usage.prompt_tokens, 4);
    assert.ok(plain.tandem.engine.startsWith('stub-vectors'));
    const one = await ai.embeddings.create({ model: 'vectors', input: 'a text', dimensions: 4 });
    assert.equal(one.data[0].embedding.length, 4);
  });

  it('what is wrong is said in the classes of errors that clients know', async () => {
    const { ai } = at();
    const ask = { model: 'stub-chat', messages: question };
    await assert.rejects(ai.chat.completions.create({ ...ask, model: 'gpt-9' }), (error) =>
      error instanceof OpenAI.NotFoundError && error.code === 'model_not_found' && error.param === 'model' && error.message.includes('tandem-auto'));
    await assert.rejects(ai.chat.completions.create({ ...ask, temperature: 'hot' }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'temperature' && error.type === 'invalid_request_error');
    await assert.rejects(ai.chat.completions.create({ model: 'stub-chat', messages: [{ role: 'user', content: 7 }] }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'messages[0].content');
    await assert.rejects(ai.chat.completions.create({ ...ask, model: 'tandem', tools: [weather] }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'tools' && error.code === 'unsupported_parameter');
    await assert.rejects(ai.embeddings.create({ model: 'executor', input: 'x' }), OpenAI.NotFoundError);
    await assert.rejects(ai.chat.completions.create({ ...ask, model: 'stub-vectors' }), OpenAI.NotFoundError);
    const { response } = await ai.chat.completions.create({ ...ask, wish: 1, n: 1 }).withResponse();
    assert.match(response.headers.get('tandem-warning'), /wish/);
    assert.ok(response.headers.get('x-request-id'));
  });

  it('a client that leaves its stream ends the engine\'s work', async () => {
    const { ai, stub } = at();
    const stream = await ai.chat.completions.create({ model: 'stub-chat', messages: [{ role: 'user', content: 'talk for ever' }], stream: true });
    let seen = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) ++seen;
      if (seen === 8) break;
    }
    await until(() => stub.state.endless === 0, 20_000, () => `streams that the engine still writes: ${stub.state.endless}`);
  });

  it('a stream that breaks off is an error after what had come', async () => {
    const { ai } = at();
    const ask = { model: 'stub-chat', messages: [{ role: 'user', content: 'now break off' }], stream: true };
    let text = '';
    await assert.rejects(
      async () => { for await (const chunk of await ai.chat.completions.create(ask)) text += chunk.choices[0]?.delta.content ?? ''; },
      (error) => error instanceof OpenAI.APIError && !(error instanceof OpenAI.APIConnectionError),
    );
    assert.equal(text, 'You said: now break off');
    // The server is left alone until it says that it is well.
    await until(() => ai.chat.completions.create({ model: 'stub-chat', messages: question }));
  });
}
