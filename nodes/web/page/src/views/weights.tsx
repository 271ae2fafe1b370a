// Versions of models, and the updates that take engines from one to another.

import { ago, bytes, count, duration, oneLine, plural } from '../format';
import { now, topology, weights } from '../store';
import type { Roll, RollEngine, Weights as WeightsData } from '../types';
import { Bar, Card, Empty, Line, Loaded, State } from '../ui/parts';

export function Weights() {
  return <Loaded of={weights}>{(data) => <Report data={data} />}</Loaded>;
}

const stages = ['fetching', 'canary', 'judging', 'rolling', 'done'];

function Report({ data }: { data: WeightsData }) {
  const going = data.rolls.filter((roll) => !roll.over);
  const over = data.rolls.filter((roll) => roll.over);
  return (
    <div class="stack">
      {going.map((roll) => <RollCard key={roll.model + roll.version + roll.epoch} roll={roll} />)}
      {data.fetches.filter((fetch) => !fetch.complete || fetch.error).map((fetch) => (
        <Card key={fetch.node + fetch.model + fetch.version} title={<>{oneLine(fetch.node, 30)} fetches {oneLine(fetch.model, 30)} {oneLine(fetch.version, 30)}</>} aside={`${bytes(Math.round(fetch.bytes_per_s))}/s`}>
          <Bar value={fetch.done_bytes} most={fetch.total_bytes} label={`${bytes(fetch.done_bytes)} of ${bytes(fetch.total_bytes)}`} />
          <p class="dim">{bytes(fetch.done_bytes)} of {bytes(fetch.total_bytes)}, {bytes(fetch.moved_bytes)} moved{fetch.error && <span class="wrong">; <Line text={fetch.error} /></span>}</p>
        </Card>
      ))}
      <Serving />
      <Card title="Versions" flush>
        {data.versions.length === 0 ? (
          <Empty title="No version is kept by this cluster" command="tandem weights add MODEL PATH">Engines serve what they were started with. Add new weights, then take the fleet to them with <code>tandem weights roll</code>:</Empty>
        ) : (
          <div class="scroll" tabIndex={0} role="region" aria-label="Table of versions">
            <table>
              <thead><tr><th>Model</th><th>Version</th><th>State</th><th>What it is</th><th class="n">Size</th><th>On nodes</th><th>Added</th><th>Manifest</th></tr></thead>
              <tbody>
                {data.versions.map((each) => (
                  <tr key={`${each.model} ${each.version}`}>
                    <th scope="row"><Line text={each.model} most={40} /></th><td><Line text={each.version} most={30} /></td>
                    <td>{each.wanted ? <State is="ok" label="wanted" /> : <span class="dim">kept</span>}</td>
                    <td class="dim">{oneLine(each.format, 16)} {oneLine(each.architecture, 20)}{each.parameters > 0 && `, ${count(each.parameters)} parameters`}{each.types && `, ${oneLine(each.types, 30)}`}</td>
                    <td class="n">{bytes(each.bytes)}</td><td>{each.nodes.map((node) => oneLine(node, 20)).join(', ')}</td>
                    <td>{ago(each.added_at_ms, now.value)}{each.added_by && <span class="dim"> by {oneLine(each.added_by, 20)}</span>}</td>
                    <td class="mono dim">{oneLine(each.manifest, 100).slice(0, 12)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {over.length > 0 && <Card title="Earlier updates" flush>{over.slice(-20).reverse().map((roll) => <PastRoll key={roll.model + roll.version + roll.epoch} roll={roll} />)}</Card>}
    </div>
  );
}

/** What engines serve now, whoever gave it to them. */
function Serving() {
  topology.use();
  const engines = topology.data.value?.nodes.flatMap((node) => node.engines) ?? [];
  const models = [...new Set(engines.map((engine) => engine.model))].sort();
  if (models.length === 0) return null;
  return (
    <Card title="Served now">
      <div class="serving">
        {models.map((model) => {
          const versions = new Map<string, number>();
          for (const engine of engines) if (engine.model === model) versions.set(engine.weight_version, (versions.get(engine.weight_version) ?? 0) + 1);
          return (
            <div key={model}>
              <b><Line text={model} most={40} /></b>
              {[...versions].map(([version, number]) => <span class="tag" key={version}>{version ? `@ ${oneLine(version, 20)}` : 'unknown version'} · {plural(number, 'engine')}</span>)}
              {versions.size > 1 && <State is="warning" label="mixed" />}
            </div>
          );
        })}
      </div>
    </Card>
  );
}

const isAt = (engine: RollEngine, version: string) => engine.phase === 'serving' && engine.version === version;

function RollCard({ roll }: { roll: Roll }) {
  const done = roll.engines.filter((engine) => isAt(engine, roll.version)).length;
  const isBack = roll.phase === 'rolling back';
  const stage = stages.indexOf(roll.phase);
  return (
    <Card
      class="roll"
      title={<>{oneLine(roll.model, 40)}: {oneLine(roll.before, 20) || 'start'} → {oneLine(roll.version, 20)}</>}
      aside={<><State is={roll.phase} /> for {duration(Math.max(0, now.value - roll.began_at_ms))}</>}
    >
      <ol class={`stages ${isBack ? 'back' : ''}`} aria-label="Stages of the update">
        {stages.map((name, i) => <li key={name} class={i < stage ? 'past' : i === stage ? 'now' : ''} aria-current={i === stage ? 'step' : undefined}>{name}</li>)}
      </ol>
      <div class="load-line"><Bar value={done} most={roll.engines.length} label={`${done} of ${roll.engines.length} engines serve it`} tone={isBack ? 'bad' : 'good'} /><b>{done}</b> of {roll.engines.length} engines serve it</div>
      {roll.reason && <p><Line text={roll.reason} most={400} /></p>}
      {roll.verdict && <p class="dim">Canary: <Line text={roll.verdict} most={400} /></p>}
      <div class="roll-engines">
        {roll.engines.map((engine) => (
          <div key={`${engine.node} ${engine.engine}`} title={oneLine(engine.error, 300) || undefined}>
            <State is={engine.phase} /> <Line text={engine.engine} most={30} /><span class="dim"> on {oneLine(engine.node, 20)}</span>
            {engine.canary && <span class="tag">canary</span>}{engine.error && <p class="wrong"><Line text={engine.error} most={200} /></p>}
          </div>
        ))}
      </div>
    </Card>
  );
}

function PastRoll({ roll }: { roll: Roll }) {
  return (
    <div class="past-roll">
      <State is={roll.phase} />
      <b><Line text={`${roll.model}: ${roll.before || 'start'} → ${roll.version}`} most={80} /></b>
      <span class="dim">{ago(roll.ended_at_ms, now.value)}, took {duration(Math.max(0, roll.ended_at_ms - roll.began_at_ms))}, {plural(roll.engines.length, 'engine')}</span>
      {(roll.reason || roll.verdict) && <p><Line text={roll.reason || roll.verdict} most={400} /></p>}
    </div>
  );
}
