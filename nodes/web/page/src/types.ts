// What the node says, as `tandem … --json` writes it. Times are Unix ms, money nano-dollars, null is not known.

export interface Usage {
  calls: number;
  prompt_tokens: number;
  cached_prompt_tokens: number;
  completion_tokens: number;
  cost_nanousd: number;
  cost_all_large_nanousd: number;
  cache_hits: number;
  saved_nanousd: number;
  saving_percent: number | null;
}

export type JobState = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled' | 'unknown';

export interface JobSummary {
  job: string;
  state: JobState;
  reason: string;
  goal: string;
  tenant: string;
  tags: string[];
  priority: number;
  mode: string;
  routed: boolean;
  submitted_at_ms: number | null;
  ended_at_ms: number | null;
  deadline_at_ms: number | null;
  epoch: number;
  steps_done: number;
  steps_total: number;
  usage: Usage;
  budget: { tokens: number | null; cost_nanousd: number | null };
  simulated: boolean;
  feedback: number | null;
  answer_bytes: number;
  answer: string | null;
}

export interface Step {
  step: number;
  epoch: number;
  kind: string;
  prompt: string;
  depends_on: number[];
  state: 'waiting' | 'running' | 'done' | 'abandoned' | 'unknown';
  result: string | null;
  model: string;
  done_at_ms: number | null;
}

export interface Attempt {
  attempt: number;
  step: number;
  epoch: number;
  purpose: string;
  engine: string;
  model: string;
  tier: string;
  weight_version: string;
  error: { code: string; message: string } | null;
  rung: string;
  hedged: boolean;
  cache_level: number;
  cache_reason: string;
  usage: Usage;
  queue_us: number;
  first_token_us: number;
  total_us: number;
  decision: string;
  at_ms: number | null;
}

export interface Way {
  mode: string;
  failed?: string;
  reason: string;
  policy: string;
  decision: string;
  at_ms: number | null;
}

export interface JobView extends JobSummary {
  answer_step: number;
  plan_complete: boolean;
  cut: boolean;
  steps: Step[];
  ways: Way[];
  attempts: Attempt[];
}

export interface JobPage {
  data: JobSummary[];
  has_more: boolean;
  next: string | null;
  missing: string[];
}

export interface Actor {
  name: string;
  kind: string;
  parent: string;
  state: string;
  restarts: number;
  mailbox_depth: number;
  in_flight: number;
  queued: number;
  handled: number;
  noun: string;
  last_error: string;
}

export interface Engine {
  name: string;
  kind: string;
  model: string;
  tier: string;
  weight_version: string;
  health: string;
  held: boolean;
  weights_fixed: string;
  busy_us: number;
  last_error: string;
  in_flight: number;
  concurrency: number;
  limit: number | null;
  queued: number;
  context_tokens: number;
  requests: number;
  failures: number;
  refusals: number;
  prompt_tokens: number;
  cached_prompt_tokens: number;
  completion_tokens: number;
  simulated: boolean;
  url: string;
  server: string;
  breaker: string;
  opens_in_a_row: number;
  busy_until_ms: number | null;
  server_running: number | null;
  server_waiting: number | null;
  cache_usage_share: number | null;
  load_at_ms: number | null;
  process_id: number | null;
  process_restarts: number;
  changes: { at_ms: number; health: string; reason: string }[];
}

export interface Node {
  name: string;
  incarnation: string;
  journal: string;
  address: string;
  version: string;
  started_at_ms: number;
  state: string;
  since_ms: number;
  heard_ms_ago: number;
  draining: boolean;
  certificate_ends_at_ms: number;
  roles: string[];
  jobs_running: number;
  jobs_queued: number;
  resident_bytes: number;
  actors: Actor[];
  engines: Engine[];
}

export interface Topology {
  nodes: Node[];
  waiting: { journal: string; node: string; address: string; since_ms: number }[];
}

export interface RouteSetting {
  generation: number;
  at_ms: number;
  policy: string;
  candidate: string | null;
  share: number | null;
  before: string;
}

export interface Arm {
  purpose: string;
  model: string;
  weight_version: string;
  decisions: number;
  rewards: number;
  weight: number;
  quality: number | null;
  deviation: number | null;
  trust: number;
  origins: number;
  drift: string;
}

export interface Routing {
  setting: RouteSetting;
  trial: { candidate: string; share: number; decisions: number; difference: number; low: number; high: number } | null;
  arms: Arm[];
  tenants: { tenant: string; target_nanousd: number; per: string; spent_nanousd: number; price: number }[];
  rewards: Record<string, number>;
  notes: string[];
  set_aside: string[];
  changes: { at_ms: number; action: string; by: string; why: string; setting: RouteSetting }[];
  nodes: { origin: string; node: string; as_of_ms: number; own: boolean }[];
}

export interface DecisionArm {
  model: string;
  tier: string;
  weight_version: string;
  filter?: string;
  quality: number;
  deviation: number;
  cost_nanousd: number;
  latency_us: number;
  score: number;
  propensity: number;
}

export interface Explained {
  why: string;
  decision: {
    id: string;
    at_ms: number;
    purpose: string;
    kind: string;
    policy: string;
    arms: DecisionArm[];
    chosen: number;
    engine: string;
    rewards: { source: string; quality: number; at_ms: number }[];
    quality?: number;
    trial: string;
  };
}

export interface CacheLevel {
  node: string;
  level: number;
  tier: string;
  policy: string;
  entries: number;
  bytes: number;
  bytes_max: number;
  hits: number;
  misses: number;
  expired: number;
  evicted: number;
  damaged: number;
  refused: number;
  waits: number;
  saved_nanousd: number;
  ttl_ms: number;
  near?: {
    served: number;
    served_right: number;
    served_wrong: number;
    explored: number;
    refused: number;
    tenants_off: number;
    entries: number;
    bytes: number;
  };
}

export interface Cache {
  levels: CacheLevel[];
  warm: { node: string; replayed: number; used: number; wasted: number; tokens: number; known: number }[];
  purged: { tier: string; tenant: string; model: string; weight_version: string; at_ms: number }[];
  missing: string[];
}

export interface RollEngine {
  node: string;
  engine: string;
  version: string;
  before: string;
  phase: string;
  canary: boolean;
  error: string;
  began_at_ms: number;
  ended_at_ms: number;
}

export interface Roll {
  model: string;
  version: string;
  before: string;
  phase: string;
  over: boolean;
  reason: string;
  verdict: string;
  coordinator: string;
  epoch: number;
  began_at_ms: number;
  ended_at_ms: number;
  engines: RollEngine[];
}

export interface Weights {
  versions: {
    model: string;
    version: string;
    number: number;
    manifest: string;
    bytes: number;
    added_at_ms: number;
    added_by: string;
    format: string;
    architecture: string;
    parameters: number;
    types: string;
    wanted: boolean;
    nodes: string[];
  }[];
  rolls: Roll[];
  fetches: {
    node: string;
    model: string;
    version: string;
    done_bytes: number;
    total_bytes: number;
    moved_bytes: number;
    bytes_per_s: number;
    complete: boolean;
    error: string;
    avoided: string[];
  }[];
}

export interface Alarm {
  name: string;
  subject: string;
  node: string;
  severity: string;
  text: string;
  since_ms: number;
}

export interface Series {
  name: string;
  labels: Record<string, string>;
  points: [number, number | null][];
}

export interface History {
  step_s: number;
  series: Series[];
}

export interface Whoami {
  tenant: string;
  key: string;
  admin: boolean;
  node: string;
  version: string;
}
