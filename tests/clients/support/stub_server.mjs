// An OpenAI-compatible server with what the embedded models lack: function calls, pictures, JSON by a schema, vectors.
// It answers by rules, from what it is asked; never anything that a test has put there.
import { createServer } from 'node:http';

const vector_size = 8;

const last = (messages, role) => messages.filter((each) => each.role === role).at(-1);

function text_of(message) {
  if (typeof message?.content === 'string') return message.content;
  return (message?.content ?? []).filter((part) => part.type === 'text').map((part) => part.text).join('');
}

/** A value that fits a JSON schema. */
function example(schema) {
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, example(each)]));
    case 'array': return [example(schema.items ?? { type: 'string' })];
    case 'number': return 21.5;
    case 'integer': return 21;
    case 'boolean': return true;
    default: return 'Paris';
  }
}

/** What the assistant says to a chat: text, or calls of functions. */
function answer_to(asked) {
  const results = [];
  for (let i = asked.messages.length - 1; i >= 0 && asked.messages[i].role === 'tool'; --i) results.unshift(asked.messages[i]);
  if (results.length) return { text: `The tools say: ${results.map(text_of).join('; ')}` };
  const chosen = asked.tool_choice?.function?.name;
  const said = text_of(last(asked.messages, 'user'));
  const tools = (asked.tools ?? []).map((each) => each.function);
  if (tools.length && asked.tool_choice !== 'none') {
    const wanted = chosen ? tools.filter((each) => each.name === chosen) : tools;
    const calls = asked.parallel_tool_calls === false || chosen ? wanted.slice(0, 1) : wanted;
    return { calls: calls.map((each, i) => ({ id: `call_${i}_${each.name}`, name: each.name, arguments: JSON.stringify(example(each.parameters ?? { type: 'object' })) })) };
  }
  const format = asked.response_format;
  if (format?.type === 'json_schema') return { text: JSON.stringify(example(format.json_schema.schema)) };
  if (format?.type === 'json_object') return { text: JSON.stringify({ said }) };
  const pictures = asked.messages.flatMap((each) => (Array.isArray(each.content) ? each.content : [])).filter((part) => part.type === 'image_url');
  if (pictures.length) return { text: `I see ${pictures.length} picture(s) of ${pictures[0].image_url.url.slice(0, 15)}` };
  return { text: `You said: ${said}` };
}

const words = (text) => text.match(/\s*\S+/g) ?? [];

function usage_of(asked, answer) {
  const prompt = words(asked.messages.map(text_of).join(' ')).length + 1;
  const completion = answer.text !== undefined ? words(answer.text).length : 5 * answer.calls.length;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, prompt_tokens_details: { cached_tokens: 0 } };
}

const calls_of = (answer) => (answer.calls ?? []).map((each) => ({ id: each.id, type: 'function', function: { name: each.name, arguments: each.arguments } }));

function whole(asked, id) {
  const choices = [];
  const answer = answer_to(asked);
  for (let index = 0; index < (asked.n ?? 1); ++index)
    choices.push({
      index,
      message: { role: 'assistant', content: answer.text ?? null, refusal: null, ...(answer.calls && { tool_calls: calls_of(answer) }) },
      logprobs: null,
      finish_reason: answer.calls ? 'tool_calls' : 'stop',
    });
  return { id, object: 'chat.completion', created: 1700000000, model: asked.model, choices, usage: usage_of(asked, answer) };
}

function* deltas(answer) {
  yield { role: 'assistant', content: answer.calls ? null : '' };
  if (answer.text !== undefined) for (const content of words(answer.text)) yield { content };
  for (const [index, call] of calls_of(answer).entries()) {
    yield { tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.function.name, arguments: '' } }] };
    const half = call.function.arguments.length >> 1;
    for (const piece of [call.function.arguments.slice(0, half), call.function.arguments.slice(half)])
      yield { tool_calls: [{ index, function: { arguments: piece } }] };
  }
}

/** Never finished, until its client leaves. */
const is_endless = (asked) => asked.messages.some((each) => text_of(each).includes('for ever'));

async function stream(asked, id, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (more) =>
    response.write(`data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1700000000, model: asked.model, ...more })}\n\n`);
  const answer = answer_to(asked);
  for (const delta of deltas(answer)) chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
  if (is_endless(asked)) {
    const timer = setInterval(() => chunk({ choices: [{ index: 0, delta: { content: ' and on' }, finish_reason: null }] }), 20);
    response.on('close', () => clearInterval(timer));
    return;
  }
  if (answer.text?.includes('break off')) return response.write(': \n\n', () => response.destroy());
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: answer.calls ? 'tool_calls' : 'stop' }] });
  if (asked.stream_options?.include_usage) chunk({ choices: [], usage: usage_of(asked, answer) });
  response.end('data: [DONE]\n\n');
}

/** The same for the same text, another for another, of length 1. */
export function vector_of(text, size = vector_size) {
  const out = new Array(size).fill(0);
  for (let i = 0; i < text.length; ++i) out[i % size] += text.charCodeAt(i) * (1 + (i % 7));
  const length = Math.hypot(...out) || 1;
  return out.map((each) => Math.fround(each / length));
}

function embeddings(asked) {
  const inputs = [asked.input].flat();
  const data = inputs.map((text, index) => {
    const vector = vector_of(text, asked.dimensions);
    const embedding = asked.encoding_format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector;
    return { object: 'embedding', index, embedding };
  });
  const tokens = words(inputs.join(' ')).length;
  return { object: 'list', data, model: asked.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** `requests`: bodies of chats, newest last; `endless`: streams that nobody has left. */
export async function start_stub() {
  const state = { requests: [], endless: 0 };
  let number = 0;
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const send = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const path = request.url.split('?')[0];
    if (path === '/v1/models')
      return send(200, { object: 'list', data: ['stub-chat', 'stub-vectors'].map((id) => ({ id, object: 'model', created: 1, owned_by: 'stub' })) });
    if (path === '/health') return send(200, {});
    if (request.method !== 'POST') return send(404, { error: { message: `no ${path}`, type: 'not_found_error' } });
    const asked = JSON.parse(Buffer.concat(pieces).toString());
    if (path === '/v1/embeddings') return send(200, embeddings(asked));
    if (path !== '/v1/chat/completions') return send(404, { error: { message: `no ${path}`, type: 'not_found_error' } });
    state.requests.push(asked);
    const id = `chatcmpl-stub-${++number}`;
    if (is_endless(asked)) {
      ++state.endless;
      response.on('close', () => --state.endless);
    }
    if (asked.stream) return stream(asked, id, response);
    if (is_endless(asked)) return;
    send(200, whole(asked, id));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
  };
}
