// What is known about one node, engine or actor.

import { ago, bytes, clock, count, duration, harmless, micros, oneLine, percent } from '../format';
import { link } from '../router';
import { now } from '../store';
import type { Actor, Engine, Node } from '../types';
import { Icon } from '../ui/icons';
import { Bar, Facts, Line, State, Tier, useArrows } from '../ui/parts';
import { useSidePanel } from './step_panel';
import { judge } from './verdict';

type Pick = (node: string, kind?: string, name?: string) => void;

export function TopologyPanel({ node, engine, actor, onPick }: { node: Node; engine: string; actor: string; onPick: Pick }) {
  const panel = useSidePanel(() => onPick(''));
  const chosenEngine = node.engines.find((each) => each.name === engine);
  const chosenActor = node.actors.find((each) => each.name === actor);
  const name = engine || actor || node.name;
  const kind = engine ? 'Engine' : actor ? 'Actor' : 'Node';
  return (
    <aside class="panel" aria-label={`${kind} ${oneLine(name, 60)}`} {...panel}>
      <header>
        <h2><small>{kind}</small>{oneLine(name, 60)}</h2>
        <button class="quiet icon-only" aria-label="Close" onClick={() => onPick('')}><Icon name="close" /></button>
      </header>
      <div class="body">
        {engine ? chosenEngine ? <EngineFacts engine={chosenEngine} /> : <p class="dim">It is not there any more.</p> : null}
        {actor ? chosenActor ? <ActorFacts actor={chosenActor} /> : <p class="dim">It is not there any more.</p> : null}
        {!engine && !actor && <NodeFacts node={node} onPick={onPick} />}
        {(engine || actor) && <button class="quiet" onClick={() => onPick(node.name)}>Node {oneLine(node.name, 40)}</button>}
      </div>
    </aside>
  );
}

function EngineFacts({ engine }: { engine: Engine }) {
  const verdict = judge(engine, now.value);
  const places = engine.limit ?? engine.concurrency;
  const asked = engine.prompt_tokens;
  return (
    <>
      <div class={`verdict ${verdict.used}`}>
        <State is={verdict.used === 'yes' ? 'ok' : verdict.used === 'limited' ? 'warning' : 'failed'} label={verdict.used === 'yes' ? 'used' : verdict.used === 'limited' ? 'used a little' : 'not used'} />
        <p dir="auto">{verdict.why}</p>
        {verdict.mend && <p class="dim" dir="auto">{harmless(verdict.mend)}</p>}
      </div>
      <div class="load-line">
        <Bar value={engine.in_flight} most={places} label={`${engine.in_flight} of ${places} at work`} />
        <b>{engine.in_flight}</b> of {places} at work{engine.queued > 0 && `, ${engine.queued} waiting`}
      </div>
      <Facts
        of={[
          ['Health', <State is={engine.health} />],
          ['Model', <><Line text={engine.model} most={40} /> <Tier name={engine.tier} /></>],
          ['Weights', engine.weight_version ? <><Line text={engine.weight_version} most={40} />{engine.weights_fixed && <span class="dim"> fixed: {oneLine(engine.weights_fixed, 80)}</span>}</> : '–'],
          ['Kind', `${oneLine(engine.kind, 20)}${engine.simulated ? ', simulated' : ''}`],
          ['Server', engine.server || engine.url ? <Line text={[engine.server, engine.url].filter(Boolean).join(' at ')} /> : 'in the node'],
          ['Breaker', <><State is={engine.breaker} />{engine.opens_in_a_row > 0 && ` opened ${engine.opens_in_a_row} times in a row`}</>],
          ['Requests', `${count(engine.requests)}, ${count(engine.failures)} failed, ${count(engine.refusals)} refused`],
          ['Tokens', `${count(asked)} in (${asked > 0 ? percent(engine.cached_prompt_tokens / asked) : '0%'} cached), ${count(engine.completion_tokens)} out`],
          ['Busy', micros(engine.busy_us)],
          ['Context', `${count(engine.context_tokens)} tokens`],
          ['Its server says', engine.load_at_ms ? `${count(engine.server_running)} running, ${count(engine.server_waiting)} waiting${engine.cache_usage_share != null ? `, cache ${percent(engine.cache_usage_share)}` : ''}` : '–'],
          ['Process', engine.process_id ? `${engine.process_id}, restarted ${engine.process_restarts} times` : '–'],
          ...(engine.last_error ? [['Last error', <span class="wrong"><Line text={engine.last_error} most={300} /></span>] as [string, any]] : []),
        ]}
      />
      <h3>Changes of health</h3>
      <ol class="changes">
        {[...engine.changes].reverse().map((each, i) => (
          <li key={i}><State is={each.health} /> <time title={clock(each.at_ms)}>{ago(each.at_ms, now.value)}</time>{each.reason && <p><Line text={each.reason} most={240} /></p>}</li>
        ))}
      </ol>
    </>
  );
}

function ActorFacts({ actor }: { actor: Actor }) {
  return (
    <Facts
      of={[
        ['State', <State is={actor.state} />],
        ['Kind', <Line text={actor.kind} most={40} />],
        ['Started by', <Line text={actor.parent || '–'} most={40} />],
        ['Mailbox', count(actor.mailbox_depth)],
        ['In flight', count(actor.in_flight)],
        ['Queued', count(actor.queued)],
        ['Handled', `${count(actor.handled)} ${oneLine(actor.noun, 20)}`],
        ['Restarts', count(actor.restarts)],
        ['Last error', actor.last_error ? <span class="wrong"><Line text={actor.last_error} most={300} /></span> : 'none'],
      ]}
    />
  );
}

function NodeFacts({ node, onPick }: { node: Node; onPick: Pick }) {
  const arrows = useArrows<HTMLDivElement>();
  return (
    <>
      <Facts
        of={[
          ['State', <State is={node.draining ? 'draining' : node.state} />],
          ['Address', <span class="mono"><Line text={node.address} most={60} /></span>],
          ['Roles', node.roles.map((role) => oneLine(role, 20)).join(', ') || 'none'],
          ['Up for', duration(Math.max(0, now.value - node.started_at_ms))],
          ['Heard', node.heard_ms_ago ? `${duration(node.heard_ms_ago)} ago` : 'now'],
          ['Jobs', `${node.jobs_running} running, ${node.jobs_queued} queued`],
          ['Memory', bytes(node.resident_bytes)],
          ['Journal', <span class="mono">{oneLine(node.journal, 20)}</span>],
          ['Version', oneLine(node.version, 20)],
          ['Certificate', node.certificate_ends_at_ms ? `ends ${ago(node.certificate_ends_at_ms, now.value)}` : '–'],
        ]}
      />
      {node.jobs_running > 0 && <p><a href={link('jobs', '', { state: 'running' })}>Running jobs</a></p>}
      <div {...arrows}>
        <h3>Engines</h3>
        {node.engines.map((each) => (
          <button class="pick" data-item key={each.name} onClick={() => onPick(node.name, 'engine', each.name)}>
            <State is={each.health} /> <Line text={each.name} most={36} /><span class="end">{each.in_flight}/{each.limit ?? each.concurrency}</span>
          </button>
        ))}
        <h3>Actors</h3>
        {node.actors.map((each) => (
          <button class="pick" data-item key={each.name} onClick={() => onPick(node.name, 'actor', each.name)}>
            <State is={each.state} /> <Line text={each.name} most={36} />
            <span class="end">{each.restarts > 0 && <em class="wrong">{each.restarts} restarts </em>}{count(each.handled)} {oneLine(each.noun, 14)}</span>
          </button>
        ))}
      </div>
    </>
  );
}
