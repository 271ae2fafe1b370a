// The cluster of the stub: recorded nodes and engines, as many as are asked for, with a load that moves.

const hour = 3600_000;

export class Cluster {
  constructor(fixture, jobs, size) {
    this.fixture = fixture;
    this.jobs = jobs;
    this.size = size;
    this.began = Date.now();
    this.recorded = fixture('topology').nodes[0];
  }

  answer([what, ...rest]) {
    if (what === 'topology') return this.topology();
    if (what === 'engines') return { engines: this.topology().nodes.flatMap((node) => node.engines.map((engine) => ({ node: node.name, ...engine }))) };
    if (what === 'routing') return rest[0] === 'decisions' ? this.fixture('explain') : this.routing();
    if (what === 'cache') return this.size.isEmpty ? { levels: [], warm: [], purged: [], missing: [] } : this.cache();
    if (what === 'weights') return this.size.isEmpty ? { versions: [], rolls: [], fetches: [] } : this.weights();
    if (what === 'alarms') return { alarms: this.size.isEmpty ? [] : this.alarms() };
    if (what === 'history') return this.size.isEmpty ? { step_s: 10, series: [] } : this.history();
    return null;
  }

  topology() {
    const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta'];
    const { nodes, engines } = this.size;
    const isMany = engines > 20;
    return {
      nodes: Array.from({ length: nodes }, (_, i) => {
        const share = Math.floor(engines / nodes) + (i < engines % nodes ? 1 : 0);
        const running = this.jobs.all.filter((job) => job.view.state === 'running').length;
        return {
          ...this.recorded,
          name: names[i] ?? `node-${i}`,
          address: `10.0.0.${i + 1}:7420`,
          started_at_ms: this.began - 5 * hour,
          roles: i === 2 ? ['executor', 'cache'] : ['planner', 'executor', 'cache'],
          state: !isMany && i === 2 && nodes > 2 && Math.floor((Date.now() - this.began) / 20_000) % 4 === 3 ? 'suspect' : 'alive',
          heard_ms_ago: i * 140,
          jobs_running: i === 0 ? running : 0,
          actors: this.recorded.actors.map((actor) => (i === 1 && actor.name === 'exchange' ? { ...actor, state: 'restarting', restarts: 2, last_error: 'a peer sent a record of an unknown kind' } : actor)),
          engines: Array.from({ length: share }, (_, j) => this.engine(i, j)),
        };
      }),
      waiting: [],
    };
  }

  engine(node, index) {
    const isLarge = index % 4 === 0;
    const wave = 0.5 + 0.5 * Math.sin(Date.now() / (3000 + index * 137) + node * 2 + index);
    const concurrency = isLarge ? 8 : 32;
    const isSick = node === 1 && index === 2;
    const at = Date.now();
    const busy = node === 2 && index === 1;
    return {
      ...this.recorded.engines[isLarge ? 0 : 1],
      name: `${isLarge ? 'planner' : 'executor'}-${node * 100 + index}`,
      kind: 'http', url: `http://10.0.1.${index}:30000`, server: 'sglang 0.5.4',
      health: isSick ? 'unhealthy' : busy ? 'busy' : 'healthy',
      breaker: isSick ? 'open' : 'closed',
      opens_in_a_row: isSick ? 3 : 0,
      busy_until_ms: isSick || busy ? at + 9000 : null,
      last_error: isSick ? 'connection refused' : '',
      in_flight: isSick ? 0 : Math.round(wave * concurrency),
      concurrency, limit: index % 5 === 1 ? Math.ceil(concurrency * 0.75) : null,
      queued: wave > 0.97 ? 3 : 0, context_tokens: 32768,
      requests: 18240 + index, failures: isSick ? 61 : 2, prompt_tokens: 9_120_000, cached_prompt_tokens: 5_310_000, completion_tokens: 1_830_000,
      server_running: Math.round(wave * concurrency), server_waiting: 0, cache_usage_share: 0.41, load_at_ms: at,
      weight_version: isLarge ? '1' : node === 0 ? '3' : '2',
      changes: isSick
        ? [{ at_ms: at - 2 * hour, health: 'healthy', reason: '' }, { at_ms: at - 100_000, health: 'unhealthy', reason: 'connection refused' }]
        : busy ? [{ at_ms: at - hour, health: 'healthy', reason: '' }, { at_ms: at - 4000, health: 'busy', reason: '429 with Retry-After 13' }] : [{ at_ms: at - 5 * hour, health: 'healthy', reason: '' }],
    };
  }

  routing() {
    const recorded = this.fixture('routing');
    if (this.size.isEmpty) return { ...recorded, arms: [] };
    const learned = { planner: [0.962, 0.011, 1204], executor: [0.931, 0.006, 9310], plan_act: [0.941, 0.014, 610], large: [0.958, 0.02, 240], small: [0.702, 0.018, 380] };
    const at = Date.now();
    return {
      ...recorded,
      setting: { generation: 3, at_ms: at - 2 * hour, policy: 'auto', candidate: 'linucb', share: 0.1, before: 'cheapest' },
      trial: { candidate: 'linucb', share: 0.1, decisions: 412, difference: 0.021, low: -0.008, high: 0.049 },
      arms: recorded.arms.map((arm) => {
        const [quality, deviation, decisions] = learned[arm.model];
        return { ...arm, quality, deviation, decisions, rewards: Math.round(decisions * 0.8), weight: decisions * 0.7, trust: arm.model === 'small' ? 0.72 : 1, origins: 3, drift: arm.model === 'small' ? 'worse by 0.04 since weights 2' : '' };
      }),
      tenants: [{ tenant: 'acme', target_nanousd: 2e9, per: 'hour', spent_nanousd: 1.42e9, price: 0.3 }, { tenant: 'globex', target_nanousd: 5e8, per: 'hour', spent_nanousd: 5.6e8, price: 1.4 }],
      rewards: { learned: 8233, corrected: 12, again: 3, unknown: 0, late: 1, refused: 0, missing: 4 },
      changes: [{ at_ms: at - 2 * hour, action: 'try', by: 'alpha', why: 'to compare on a tenth of the traffic', setting: { generation: 3, at_ms: at, policy: 'auto', candidate: 'linucb', share: 0.1, before: 'cheapest' } }],
    };
  }

  cache() {
    const recorded = this.fixture('cache');
    const rates = { 1: 0.22, 2: 0.31, 3: 0.12 };
    const levels = ['alpha', 'beta', 'gamma'].flatMap((node) =>
      recorded.levels.map((level) => {
        const asked = 21_000 / level.level;
        const hits = Math.round(asked * rates[level.level] * (level.tier === 'small' ? 1.4 : 1));
        return {
          ...level, node, entries: level.entries * 412, bytes: Math.round(level.bytes_max * (0.2 + 0.15 * level.level)), hits, misses: Math.round(asked) - hits,
          evicted: 310, expired: 42, saved_nanousd: hits * (level.tier === 'large' ? 1_100_000 : 9000),
          ...(level.near ? { near: { served: 310, served_right: 240, served_wrong: 1, explored: 512, refused: 44, tenants_off: 0, entries: 1800, bytes: 910_000 } } : {}),
        };
      }),
    );
    return { ...recorded, levels, warm: [{ node: 'alpha', replayed: 210, used: 164, wasted: 31, tokens: 92_000, known: 4100 }] };
  }

  weights() {
    const at = Date.now();
    const engines = this.topology().nodes.flatMap((node) => node.engines.filter((engine) => engine.model === 'executor').map((engine) => ({ node: node.name, engine: engine.name })));
    const through = Math.floor((at - this.began) / 4000) % (engines.length + 2);
    const phases = ['draining', 'loading', 'flushing', 'verifying'];
    const version = (number, wanted) => ({
      model: 'executor', version: `v${number}`, number, manifest: `${number}f3a9c01d2b4e6f8`.repeat(4), bytes: 41_000_000 + number, added_at_ms: at - (4 - number) * 20 * hour, added_by: 'alpha', format: 'gguf',
      architecture: 'llama', parameters: 3_200_000, types: 'f16', wanted, nodes: ['alpha', 'beta', 'gamma'],
    });
    return {
      versions: [version(2, false), version(3, true)],
      rolls: [
        { model: 'executor', version: 'v2', before: 'v1', phase: 'done', over: true, reason: '', verdict: 'no worse than before: 0.93 against 0.92', coordinator: 'alpha', epoch: 1, began_at_ms: at - 40 * hour, ended_at_ms: at - 40 * hour + 92_000, engines },
        {
          model: 'executor', version: 'v3', before: 'v2', phase: 'rolling', over: false, reason: '', verdict: 'no worse than before: 0.94 against 0.93 over 60 jobs', coordinator: 'alpha', epoch: 2, began_at_ms: at - 64_000, ended_at_ms: 0,
          engines: engines.map((engine, i) => ({
            ...engine, version: i < through ? 'v3' : 'v2', before: 'v2', phase: i < through ? 'serving' : i === through ? phases[Math.floor(at / 1000) % 4] : 'waiting', canary: i === 0, error: '', began_at_ms: 0, ended_at_ms: 0,
          })),
        },
      ],
      fetches: [{ node: 'gamma', model: 'executor', version: 'v3', done_bytes: 31_000_000, total_bytes: 41_000_003, moved_bytes: 9_000_000, bytes_per_s: 84_000_000, complete: false, error: '', avoided: [] }],
    };
  }

  alarms() {
    const at = Date.now();
    return [
      { name: 'engine_flapping', subject: 'executor-102', node: 'beta', severity: 'warning', text: 'opened its breaker 3 times in 10 minutes; the last failure: connection refused', since_ms: at - 100_000 },
      { name: 'certificate_ends', subject: 'gamma', node: 'gamma', severity: 'critical', text: "the node's certificate ends in 2 days", since_ms: at - 9 * hour },
    ];
  }

  history() {
    const step = 10;
    const end = Math.floor(Date.now() / 1000 / step) * step;
    const points = (value) => Array.from({ length: 360 }, (_, i) => [end - (359 - i) * step, value(i, (end - (359 - i) * step) / step)]);
    const noise = (k) => Math.abs(Math.sin(k * 12.9898) * 43758.5453) % 1;
    const flow = (k) => 0.6 + 0.4 * Math.sin(k / 40) + 0.3 * noise(k);
    const series = (name, labels, value) => ({ name, labels, points: points(value) });
    return {
      step_s: step,
      series: [
        series('cost_usd', {}, (i, k) => 0.011 * flow(k)), series('cost_all_large_usd', {}, (i, k) => 0.034 * flow(k)), series('jobs_done', {}, (i, k) => Math.round(6 * flow(k))),
        series('jobs_failed', {}, (i, k) => (noise(k) > 0.985 ? 1 : 0)), series('tokens', {}, (i, k) => Math.round(1400 * flow(k))), series('cache_hits', {}, (i, k) => Math.round(9 * flow(k + 3))),
        series('attempts', {}, (i, k) => Math.round(40 * flow(k))), series('latency_ms_p50', {}, (i, k) => 180 + 60 * noise(k)), series('latency_ms_p99', {}, (i, k) => 700 + 400 * noise(k + 9)),
        series('decisions', { model: 'executor' }, (i, k) => Math.round(30 * flow(k))), series('decisions', { model: 'planner' }, (i, k) => Math.round(4 * flow(k))),
        series('quality', { purpose: 'step', model: 'executor' }, (i) => 0.931 - 0.4 * Math.exp(-i / 50)), series('quality', { purpose: 'step', model: 'planner' }, (i) => 0.962 - 0.3 * Math.exp(-i / 30)),
        series('quality', { purpose: 'way', model: 'plan_act' }, (i) => 0.941 - 0.5 * Math.exp(-i / 90)),
      ],
    };
  }
}
