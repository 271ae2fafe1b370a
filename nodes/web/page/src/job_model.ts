// One job as the page knows it: read once, then kept up to date by its events.

import { batch, computed, signal } from '@preact/signals';
import { ApiError, get, messageFor, post } from './api';
import { follow, type ServerEvent } from './events';
import { isGoing } from './views/job_row';
import type { Attempt, JobSummary, JobView, Step, Way } from './types';

/** Texts longer than this are asked for one by one. */
const textBytes = 4096;
const attemptsPauseMs = 700;

export interface EpochNote {
  epoch: number;
  reason: string;
  at_ms: number;
}

export class JobModel {
  readonly summary = signal<JobSummary | null>(null);
  readonly steps = signal<Step[]>([]);
  readonly attempts = signal<Attempt[]>([]);
  readonly ways = signal<Way[]>([]);
  readonly epochs = signal<EpochNote[]>([]);
  readonly answerStep = signal(0);
  readonly isCut = signal(false);
  readonly error = signal('');
  readonly isLive = signal(false);
  private readonly gone = new AbortController();
  private frame = 0;
  private waiting: ServerEvent[] = [];
  private timer = 0;
  private isListening = false;
  /** The number of the newest event seen; empty: none yet. */
  private lastEvent = '';
  /** How often a summary came otherwise than by a load. */
  private taken = 0;

  constructor(readonly id: string) {}

  /** Steps that wait for nothing any more are at work: the node dispatches what is ready. */
  readonly shownSteps = computed(() => {
    const runs = this.summary.value?.state === 'running';
    const done = new Set(this.steps.value.filter((step) => step.state === 'done').map((step) => step.step));
    return this.steps.value.map((step) =>
      runs && step.state === 'waiting' && step.depends_on.every((id) => done.has(id)) ? { ...step, state: 'running' as const } : step,
    );
  });

  async start() {
    await this.load();
    if (!this.error.value) await this.listen();
  }

  stop() {
    this.gone.abort();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }

  async load() {
    const taken = this.taken;
    try {
      const job = await get<JobView>(`jobs/${encodeURIComponent(this.id)}?text_bytes=${textBytes}`, this.gone.signal);
      // Asked before what is known by now.
      if (taken !== this.taken) return this.loadSoon(0);
      batch(() => {
        this.summary.value = job;
        this.steps.value = job.steps;
        this.attempts.value = job.attempts;
        this.ways.value = job.ways;
        this.answerStep.value = job.answer_step;
        this.isCut.value = job.cut;
        this.error.value = '';
      });
    } catch (problem) {
      if (!this.gone.signal.aborted) this.error.value = messageFor(problem);
    }
  }

  async whole(): Promise<JobView> {
    return get<JobView>(`jobs/${encodeURIComponent(this.id)}`);
  }

  async act(what: string, body: unknown = {}) {
    this.take(await post<JobSummary>(`jobs/${encodeURIComponent(this.id)}/${what}`, body));
    // Of a job that is retried, the steps are not what they were.
    this.loadSoon(0);
    this.listen();
  }

  async rate(score: number, comment: string) {
    this.take(await post<JobSummary>('feedback', { job: this.id, score, comment }));
  }

  private take(summary: JobSummary) {
    if (!summary || summary.job !== this.id) return;
    this.taken += 1;
    this.summary.value = { ...this.summary.value, ...summary };
  }

  private async listen() {
    if (this.isListening) return;
    this.isListening = true;
    const isOver = (event: ServerEvent) => {
      if (event.id) this.lastEvent = event.id;
      this.waiting.push(event);
      // Many events, one change of the page.
      if (!this.frame) this.frame = requestAnimationFrame(() => this.apply());
      return event.event === 'end';
    };
    try {
      await follow(`jobs/${encodeURIComponent(this.id)}/events`, this.lastEvent, this.gone.signal, isOver, (live) => (this.isLive.value = live));
    } catch (problem) {
      if (problem instanceof ApiError) this.error.value = messageFor(problem);
    }
    this.isLive.value = false;
    this.isListening = false;
  }

  private apply() {
    this.frame = 0;
    const events = this.waiting;
    this.waiting = [];
    let state = '';
    batch(() => {
      for (const event of events) {
        try {
          const said = JSON.parse(event.data);
          this.applyOne(said, event.event === 'end');
          if (said.event === 'state') state = said.job.state;
        } catch {
          // An event of a newer node: what it says comes with the next load.
        }
      }
    });
    // The first events are replayed: a state among them may be of before a retry, and only the node knows what holds.
    if (state && state !== this.summary.value?.state) this.loadSoon(0);
  }

  private applyOne(event: any, isEnd: boolean) {
    if (isEnd) {
      this.take(event.job?.job ? event.job : event);
      this.loadSoon(0);
      // Retried while its stream ended.
      if (this.summary.value && isGoing(this.summary.value)) this.listen();
    } else if (event.event === 'steps') {
      this.takeSteps(event.steps);
    } else if (event.event === 'attempt_failed') {
      this.takeAttempt(event.attempt);
    } else if (event.event === 'plan_complete') {
      this.answerStep.value = event.answer_step;
      this.takeAttempt(event.attempt);
    } else if (event.event === 'epoch') {
      if (!this.epochs.value.some((each) => each.epoch === event.epoch))
        this.epochs.value = [...this.epochs.value, { epoch: event.epoch, reason: event.reason, at_ms: event.at_ms }];
    } else if (event.event === 'way' && !this.ways.value.some((each) => each.at_ms === event.way.at_ms)) {
      this.ways.value = [...this.ways.value, event.way];
    }
  }

  private takeSteps(changed: Step[]) {
    const steps = [...this.steps.value];
    let isAny = false;
    for (const step of changed) {
      const at = steps.findIndex((each) => each.step === step.step);
      if (at < 0) steps.push(step);
      else if (rank[step.state] <= rank[steps[at].state]) continue;
      else steps[at] = { ...steps[at], ...step };
      isAny = true;
      if (step.state === 'done') this.loadSoon(attemptsPauseMs);
    }
    if (!isAny) return;
    this.steps.value = steps;
    const summary = this.summary.value;
    if (summary && isGoing(summary))
      this.summary.value = { ...summary, steps_total: steps.length, steps_done: steps.filter((each) => each.state === 'done').length };
  }

  private takeAttempt(attempt: Attempt) {
    if (!attempt || this.attempts.value.some((each) => each.attempt === attempt.attempt)) return;
    this.attempts.value = [...this.attempts.value, attempt];
  }

  /** Attempts that went well come with no event: they are read when steps are done, many at once. */
  private loadSoon(ms: number) {
    if (this.gone.signal.aborted) return;
    if (this.timer && ms > 0) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.load();
    }, ms);
  }
}

const rank = { unknown: -1, waiting: 0, running: 1, abandoned: 2, done: 3 };
