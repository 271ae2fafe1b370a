// Jobs that are only played: plans, attempts and events as a node makes them, at a pace that can be watched.
// Words in a goal steer it: steps=100, slow, fail.

const usage = (calls = 0, small = true, tokens = 0) => ({
  calls,
  prompt_tokens: Math.round(tokens * 0.8),
  cached_prompt_tokens: Math.round(tokens * 0.3),
  completion_tokens: Math.round(tokens * 0.2),
  cost_nanousd: Math.round(tokens * (small ? 240 : 24_700)),
  cost_all_large_nanousd: tokens * 24_700,
  cache_hits: 0,
  saved_nanousd: 0,
  saving_percent: tokens > 0 ? (small ? 99.03 : 0) : null,
});

function add(total, part) {
  for (const name of Object.keys(part)) if (name !== 'saving_percent') total[name] += part[name];
  total.saving_percent = total.cost_all_large_nanousd > 0 ? (1 - total.cost_nanousd / total.cost_all_large_nanousd) * 100 : null;
}

// The same run every time.
let seed = 7;
const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648);

export class Jobs {
  constructor(recorded, example) {
    this.all = [];
    this.number = 100;
    const shift = Date.now() - Math.max(0, ...recorded.map((job) => job.ended_at_ms ?? 0)) - 40_000;
    const move = (job) => ({ ...job, submitted_at_ms: job.submitted_at_ms + shift, ended_at_ms: job.ended_at_ms + shift, deadline_at_ms: job.deadline_at_ms + shift });
    for (const summary of recorded) {
      const view = summary.job === example.job ? { ...example } : { ...summary, answer_step: 0, plan_complete: true, cut: false, steps: [], ways: [], attempts: [] };
      const moved = { ...view, ...move(view) };
      moved.steps = moved.steps.map((step) => ({ ...step, done_at_ms: step.done_at_ms && step.done_at_ms + shift }));
      moved.attempts = moved.attempts.map((each) => ({ ...each, at_ms: each.at_ms + shift }));
      const job = { view: moved, events: [], listeners: new Set(), timers: [] };
      this.tell(job, { event: 'end', job: this.summary(job) });
      this.all.push(job);
    }
  }

  find(id) {
    return this.all.find((job) => job.view.job === id);
  }

  summary({ view }) {
    const { steps, ways, attempts, answer_step, plan_complete, cut, ...summary } = view;
    return { ...summary, usage: { ...summary.usage } };
  }

  view(job) {
    return job.view;
  }

  page(query) {
    const states = query.get('state')?.split(',') ?? [];
    const text = query.get('text')?.toLowerCase() ?? '';
    const tag = query.get('tag') ?? '';
    const limit = Number(query.get('limit') ?? 50);
    const from = Number(query.get('after') ?? 0);
    const like = this.all.filter(
      ({ view }) => (states.length === 0 || states.includes(view.state)) && view.goal.toLowerCase().includes(text) && (!tag || view.tags.includes(tag)),
    );
    const more = like.length > from + limit;
    return { object: 'list', data: like.slice(from, from + limit).map((job) => this.summary(job)), has_more: more, next: more ? String(from + limit) : null, missing: [] };
  }

  submit(body) {
    const now = Date.now();
    const wanted = Number(/steps=(\d+)/.exec(body.goal)?.[1] ?? 7);
    this.number += 1;
    const view = {
      job: `oyndlhwb-${this.number}`, state: 'running', reason: '', goal: body.goal, tenant: '', tags: body.tags ?? [], priority: body.priority ?? 0,
      mode: body.mode ?? 'plan_act', routed: false, submitted_at_ms: now, ended_at_ms: null, deadline_at_ms: now + (body.timeout_ms ?? 600_000), epoch: 1,
      steps_done: 0, steps_total: 0, usage: usage(), budget: { tokens: body.budget_tokens ?? null, cost_nanousd: body.budget_usd ? body.budget_usd * 1e9 : null },
      simulated: false, feedback: null, answer_bytes: 0, answer: null, answer_step: 0, plan_complete: false, cut: false, steps: [], ways: [], attempts: [],
    };
    const job = { view, events: [], listeners: new Set(), timers: [], pace: /slow/.test(body.goal) ? 6 : 1, willFail: /fail/.test(body.goal), wanted };
    this.all.unshift(job);
    if (this.all.length > 2000) this.all.pop();
    this.tell(job, { event: 'state', job: this.summary(job) });
    this.plan(job, wanted);
    return job;
  }

  later(job, ms, what) {
    job.timers.push(setTimeout(what, ms * job.pace));
  }

  tell(job, event) {
    const whole = { ...event, number: job.events.length + 1, at_ms: Date.now() };
    job.events.push(whole);
    for (const send of [...job.listeners]) send(whole);
  }

  plan(job, count) {
    const { view } = job;
    const between = Math.min(160, 4000 / count);
    for (let i = 1; i <= count; ++i) {
      this.later(job, 500 + i * between, () => {
        const width = Math.max(2, Math.round(Math.sqrt(count)));
        const needs = i <= width ? [] : i === count ? [i - 1, i - 2, i - 3].filter((id) => id > 0) : [...new Set([i - width, i - 1 - Math.floor(random() * width)])].filter((id) => id > 0).sort((a, b) => a - b);
        const step = { step: i, epoch: view.epoch, kind: 'calc', prompt: needs.length ? `add ${needs.map((id) => `{{${id}}}`).join(' ')} and ${i}` : `mul ${i} ${i + 3}`, depends_on: needs, state: 'waiting', result: null, model: '', done_at_ms: null };
        view.steps.push(step);
        view.steps_total += 1;
        this.tell(job, { event: 'steps', steps: [{ ...step }] });
        this.dispatch(job);
      });
    }
    this.later(job, 600 + count * between, () => {
      view.plan_complete = true;
      view.answer_step = count;
      const attempt = this.attempt(job, 0, 'plan', false, 1400);
      this.tell(job, { event: 'plan_complete', epoch: 1, answer_step: count, composed: false, attempt });
    });
  }

  attempt(job, step, purpose, small, ms, error = null) {
    const { view } = job;
    const tokens = small ? 14 : 90;
    const cached = small && !error && random() < 0.2;
    const cost = cached ? { ...usage(), cache_hits: 1, saved_nanousd: tokens * 240, cost_all_large_nanousd: tokens * 24_700 } : usage(1, small, tokens);
    const attempt = {
      attempt: view.attempts.length + 1, step, epoch: view.epoch, purpose, engine: small ? `executor-${view.attempts.length % 4}` : 'planner-0', model: small ? 'executor' : 'planner',
      tier: small ? 'small' : 'large', weight_version: small ? '2' : '1', error, rung: error ? 'tried again on another engine' : '', hedged: false, cache_level: cached ? 2 : 0,
      cache_reason: cached ? '' : 'nobody has asked this before, or it is forgotten', usage: cost, queue_us: Math.round(random() * 30_000), first_token_us: ms * 400, total_us: ms * 1000,
      decision: small ? '2538250853605703682' : '0', at_ms: Date.now(),
    };
    view.attempts.push(attempt);
    add(view.usage, cost);
    return attempt;
  }

  dispatch(job) {
    const { view } = job;
    if (view.state !== 'running') return;
    const done = new Set(view.steps.filter((step) => step.state === 'done').map((step) => step.step));
    for (const step of view.steps) {
      if (step.state !== 'waiting' || !step.depends_on.every((id) => done.has(id))) continue;
      step.state = 'running';
      const ms = 250 + random() * 900;
      if (step.step % 5 === 3)
        this.later(job, ms / 2, () => view.state === 'running' && this.tell(job, { event: 'attempt_failed', attempt: this.attempt(job, step.step, 'step', true, ms / 2, { code: 'unavailable', message: 'the engine closed the connection' }) }));
      this.later(job, ms, () => this.finish(job, step, ms));
    }
  }

  finish(job, step, ms) {
    const { view } = job;
    if (view.state !== 'running') {
      if (view.state === 'paused') step.state = 'waiting';
      return;
    }
    Object.assign(step, { state: 'done', result: String(step.step * 17 % 101), model: 'executor', done_at_ms: Date.now() });
    view.steps_done += 1;
    this.attempt(job, step.step, 'step', true, ms);
    this.tell(job, { event: 'steps', steps: [{ ...step }] });
    if (job.willFail && view.steps_done === 3) return this.end(job, 'failed', 'step 3 failed on every model that could do it: the check wants a number, the answer was "about seven"');
    if (view.plan_complete && view.steps_done === view.steps_total) {
      view.answer = step.result;
      view.answer_bytes = step.result.length;
      return this.end(job, 'done', '');
    }
    this.dispatch(job);
  }

  end(job, state, reason) {
    Object.assign(job.view, { state, reason, ended_at_ms: Date.now() });
    if (state !== 'done') for (const step of job.view.steps) if (step.state !== 'done') step.state = 'abandoned';
    job.timers.forEach(clearTimeout);
    job.timers = [];
    this.tell(job, { event: 'state', job: this.summary(job) });
    this.tell(job, { event: 'end', job: this.summary(job) });
  }

  act(job, what, reason) {
    const { view } = job;
    const isGoing = ['queued', 'running', 'paused'].includes(view.state);
    if (what === 'cancel' && isGoing) return this.end(job, 'cancelled', reason || 'cancelled by its client');
    if (what === 'pause' && view.state === 'running') view.state = 'paused';
    else if (what === 'resume' && view.state === 'paused') view.state = 'running';
    else if (what === 'retry' && !isGoing && view.state !== 'done') {
      Object.assign(view, { state: 'running', reason: '', ended_at_ms: null });
      job.willFail = false;
      job.events = job.events.filter((event) => event.event !== 'end');
      for (const step of view.steps) if (step.state === 'abandoned') step.state = 'waiting';
      if (view.steps.length === 0) this.plan(job, job.wanted);
    } else return `job ${view.job} is ${view.state}: it cannot be changed so`;
    this.tell(job, { event: 'state', job: this.summary(job) });
    this.dispatch(job);
  }
}
