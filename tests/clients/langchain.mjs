// LangChain's own classes.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { vector_of } from './support/stub_server.mjs';

const weather = tool(async ({ city }) => `sun in ${city}`, {
  name: 'get_weather',
  description: 'Weather of a city',
  schema: z.object({ city: z.string() }),
});

export function langchain_tests(at) {
  const chat = (model, more = {}) =>
    new ChatOpenAI({ model, apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${at().node.url}/v1` }, ...more });

  it('ChatOpenAI is answered, with usage', async () => {
    const answer = await chat('stub-chat').invoke([new SystemMessage('Be brief.'), new HumanMessage('hello there')]);
    assert.equal(answer.content, 'You said: hello there');
    assert.equal(answer.usage_metadata.output_tokens, 4);
    assert.equal((await chat('small').invoke('What is 2+3?')).content.length > 0, true);
  });

  it('ChatOpenAI streams', async () => {
    let text = '';
    let usage;
    for await (const chunk of await chat('stub-chat').stream('one two three')) {
      text += chunk.content;
      usage = chunk.usage_metadata ?? usage;
    }
    assert.equal(text, 'You said: one two three');
    assert.equal(usage.output_tokens, 5);
  });

  it('bound tools are called, run and answered', async () => {
    const bound = chat('stub-chat').bindTools([weather]);
    const messages = [new HumanMessage('How is it in Paris?')];
    const first = await bound.invoke(messages);
    assert.deepEqual(first.tool_calls.map((each) => [each.name, each.args]), [['get_weather', { city: 'Paris' }]]);
    messages.push(first, await weather.invoke(first.tool_calls[0]));
    assert.ok(messages[2] instanceof ToolMessage);
    assert.equal((await bound.invoke(messages)).content, 'The tools say: sun in Paris');
    let whole;
    for await (const chunk of await bound.stream('How is it in Paris?')) whole = whole ? whole.concat(chunk) : chunk;
    assert.deepEqual(whole.tool_calls.map((each) => [each.name, each.args]), [['get_weather', { city: 'Paris' }]]);
  });

  for (const method of ['jsonSchema', 'functionCalling'])
    it(`structured output by ${method}`, async () => {
      const shaped = chat('stub-chat').withStructuredOutput(z.object({ city: z.string(), sunny: z.boolean() }), { name: 'weather', method });
      assert.deepEqual(await shaped.invoke('Weather?'), { city: 'Paris', sunny: true });
    });

  it('the responses interface is used as well', async () => {
    const answer = await chat('stub-chat', { useResponsesApi: true }).invoke('hello there');
    assert.equal(answer.text, 'You said: hello there');
  });

  it('the model tandem plans, acts and answers', async () => {
    assert.equal((await chat('tandem').invoke('What is (12+7)*3-5?')).content, '52');
  });

  it('OpenAIEmbeddings makes vectors', async () => {
    const embeddings = new OpenAIEmbeddings({ model: 'stub-vectors', apiKey: 'none', configuration: { baseURL: `${at().node.url}/v1` } });
    assert.deepEqual([...(await embeddings.embedQuery('a text'))], vector_of('a text'));
    assert.equal((await embeddings.embedDocuments(['a', 'b', 'c'])).length, 3);
  });
}
