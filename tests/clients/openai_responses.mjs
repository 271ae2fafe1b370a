// responses, as the official client asks for them.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const tool = {
  type: 'function',
  name: 'get_weather',
  description: 'Weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  strict: true,
};

export function response_tests(at) {
  it('a response is answered, with its usage and what it cost', async () => {
    const answer = await at().ai.responses.create({ model: 'stub-chat', instructions: 'Be brief.', input: 'one two', metadata: { who: 'me' } });
    assert.equal(answer.object, 'response');
    assert.equal(answer.status, 'completed');
    assert.equal(answer.output_text, 'You said: one two');
    assert.equal(answer.instructions, 'Be brief.');
    assert.deepEqual(answer.metadata, { who: 'me' });
    assert.equal(answer.usage.output_tokens, 4);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    assert.equal(answer.tandem.model, 'stub-chat');
  });

  it('instructions and items of a conversation reach the engine as messages', async () => {
    const { ai, stub } = at();
    await ai.responses.create({
      model: 'stub-chat',
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'second' },
        { role: 'user', content: [{ type: 'input_text', text: 'third' }] },
      ],
    });
    const sent = stub.state.requests.at(-1).messages;
    assert.deepEqual(sent.map((each) => [each.role, each.content]), [['system', 'Be brief.'], ['user', 'first'], ['assistant', 'second'], ['user', 'third']]);
  });

  it('a response is streamed as events, in order and numbered', async () => {
    const events = [];
    for await (const event of await at().ai.responses.create({ model: 'stub-chat', input: 'one two three', stream: true })) events.push(event);
    const types = events.map((each) => each.type);
    assert.equal(types[0], 'response.created');
    assert.equal(types.at(-1), 'response.completed');
    for (const type of ['response.output_item.added', 'response.content_part.added', 'response.output_text.done', 'response.content_part.done', 'response.output_item.done'])
      assert.equal(types.filter((each) => each === type).length, 1, type);
    assert.ok(types.filter((each) => each === 'response.output_text.delta').length >= 3);
    assert.deepEqual(events.map((each) => each.sequence_number), events.map((_, i) => events[0].sequence_number + i));
    const text = events.filter((each) => each.type === 'response.output_text.delta').map((each) => each.delta).join('');
    assert.equal(text, 'You said: one two three');
    assert.equal(events.at(-1).response.usage.output_tokens, 5);
  });

  it('the helper for streams gathers the whole response', async () => {
    const stream = at().ai.responses.stream({ model: 'stub-chat', input: 'hello there' });
    let seen = '';
    stream.on('response.output_text.delta', (event) => { seen += event.delta; });
    const answer = await stream.finalResponse();
    assert.equal(seen, 'You said: hello there');
    assert.equal(answer.output_text, seen);
  });

  it('functions are called and their results answered', async () => {
    const { ai } = at();
    const input = [{ role: 'user', content: 'How is it in Paris?' }];
    const first = await ai.responses.create({ model: 'stub-chat', input, tools: [tool] });
    const call = first.output.find((each) => each.type === 'function_call');
    assert.equal(call.name, 'get_weather');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris' });
    input.push(...first.output, { type: 'function_call_output', call_id: call.call_id, output: '21 degrees' });
    const second = await ai.responses.create({ model: 'stub-chat', input, tools: [tool] });
    assert.equal(second.output_text, 'The tools say: 21 degrees');
  });

  it('a streamed call of a function comes with its arguments in pieces', async () => {
    const stream = at().ai.responses.stream({ model: 'stub-chat', input: 'How is it in Paris?', tools: [tool] });
    const pieces = [];
    stream.on('response.function_call_arguments.delta', (event) => pieces.push(event.delta));
    const answer = await stream.finalResponse();
    const call = answer.output.find((each) => each.type === 'function_call');
    assert.ok(pieces.length >= 2);
    assert.equal(pieces.join(''), call.arguments);
    assert.deepEqual(call.parsed_arguments ?? JSON.parse(call.arguments), { city: 'Paris' });
  });

  it('a response fits the schema that was given, parsed by the client', async () => {
    const answer = await at().ai.responses.parse({
      model: 'stub-chat',
      input: 'Weather as JSON',
      text: { format: zodTextFormat(z.object({ city: z.string(), sunny: z.boolean() }), 'weather') },
    });
    assert.deepEqual(answer.output_parsed, { city: 'Paris', sunny: true });
  });

  it('pictures are passed through', async () => {
    const answer = await at().ai.responses.create({
      model: 'stub-chat',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'What is it?' }, { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }] }],
    });
    assert.equal(answer.output_text, 'I see 1 picture(s) of data:image/png;');
  });

  it('a planned job says in its reasoning what it does, then answers', async () => {
    const stream = at().ai.responses.stream({ model: 'tandem', input: 'What is (12+7)*3-5?' });
    let thought = '';
    stream.on('response.reasoning_summary_text.delta', (event) => { thought += event.delta; });
    const answer = await stream.finalResponse();
    assert.equal(answer.output_text, '52');
    assert.match(thought, /Step 1: 19/);
    assert.match(answer.tandem.job, /^[a-z0-9]+-\d+$/);
    assert.ok(answer.tandem.calls >= 2);
  });

  it('what is wrong is refused with the field\'s name', async () => {
    const { ai } = at();
    await assert.rejects(ai.responses.create({ model: 'gpt-9', input: 'x' }), (error) =>
      error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
    await assert.rejects(ai.responses.create({ model: 'stub-chat', input: 7 }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'input');
    await assert.rejects(ai.responses.create({ model: 'stub-chat', input: 'x', tools: [{ type: 'web_search' }] }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'tools[0].type');
    await assert.rejects(ai.responses.create({ model: 'stub-chat', input: 'x', previous_response_id: 'resp_1' }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === 'previous_response_id');
  });
}
