// The cluster: nodes, their actors and engines, as a graph and as a list.

import { useEffect, useState } from 'preact/hooks';
import { duration, oneLine, plural } from '../format';
import { ClusterCanvas } from '../graph/cluster_canvas';
import { idOf, type Item } from '../graph/cluster_layout';
import { query, refine } from '../router';
import { now, topology } from '../store';
import type { Node, Topology as TopologyData } from '../types';
import { Bar, Card, Empty, Line, Loaded, Problem, State, Tier, useArrows } from '../ui/parts';
import { TopologyPanel } from './topology_panel';

export function Topology() {
  return <Loaded of={topology}>{(data) => <Cluster data={data} />}</Loaded>;
}

const pick = (node: string, kind = '', name = '') => refine({ node, engine: kind === 'engine' ? name : '', actor: kind === 'actor' ? name : '' });

function choose(item: Item | null) {
  if (!item) pick('');
  else if (item.kind === 'node') pick(item.node.name);
  else pick(item.node.name, item.kind, item.kind === 'engine' ? item.engine.name : item.actor.name);
}

function Cluster({ data }: { data: TopologyData }) {
  const [isPhone, setPhone] = useState(matchMedia('(max-width: 640px)').matches);
  useEffect(() => {
    const media = matchMedia('(max-width: 640px)');
    const hear = () => setPhone(media.matches);
    media.addEventListener('change', hear);
    return () => media.removeEventListener('change', hear);
  }, []);
  const as = query.value.get('as') ?? (isPhone ? 'list' : 'graph');
  const name = query.value.get('node') ?? '';
  const engine = query.value.get('engine') ?? '';
  const actor = query.value.get('actor') ?? '';
  const node = data.nodes.find((each) => each.name === name);
  const selected = node ? idOf(name, engine ? 'engine' : actor ? 'actor' : 'node', engine || actor) : '';
  const engines = data.nodes.flatMap((each) => each.engines);
  const healthy = engines.filter((each) => each.health === 'healthy').length;
  return (
    <div class={`topology ${node ? 'with-panel' : ''} ${as}`}>
      <div class="content">
        <div class="filters">
          <div class="segments" role="group" aria-label="Show as">
            <button aria-pressed={as === 'graph'} onClick={() => refine({ as: 'graph' })}>Graph</button>
            <button aria-pressed={as === 'list'} onClick={() => refine({ as: 'list' })}>List</button>
          </div>
          <span class="dim">{plural(data.nodes.length, 'node')}, {plural(engines.length, 'engine')}{healthy < engines.length && `, ${engines.length - healthy} not healthy`}</span>
          {as === 'graph' && <Legend />}
        </div>
        {data.waiting.map((each) => (
          <Problem key={each.journal} text={`The jobs of journal ${each.journal} wait for node ${each.node || 'unknown'} (${each.address}), away for ${duration(now.value - each.since_ms)}. Start that node again with its data folder.`} />
        ))}
        {data.nodes.length === 0 ? <Empty title="No node is known" /> : as === 'graph' ? <ClusterCanvas nodes={data.nodes} selected={selected} onSelect={choose} /> : <List nodes={data.nodes} selected={selected} />}
      </div>
      {node && <TopologyPanel key={selected} node={node} engine={engine} actor={actor} onPick={pick} />}
    </div>
  );
}

function Legend() {
  return (
    <span class="legend dim" aria-hidden="true">
      <i class="large" />large <i class="small" />small <i class="good" />healthy <i class="warn" />busy <i class="bad" />unhealthy
    </span>
  );
}

function List({ nodes, selected }: { nodes: Node[]; selected: string }) {
  const arrows = useArrows<HTMLDivElement>();
  return (
    <div class="node-list" {...arrows}>
      {nodes.map((node) => (
        <Card key={node.name} flush>
          <button class={`node-row ${selected === idOf(node.name, 'node', '') ? 'selected' : ''}`} data-item onClick={() => pick(node.name)}>
            <b>{oneLine(node.name, 40)}</b> <State is={node.draining ? 'draining' : node.state} />
            <span class="dim">{node.roles.join(', ')} · {plural(node.jobs_running, 'job')} running · {oneLine(node.address, 50)}</span>
          </button>
          {node.engines.map((engine) => (
            <button
              key={engine.name} data-item class={`engine-row ${selected === idOf(node.name, 'engine', engine.name) ? 'selected' : ''}`}
              onClick={() => pick(node.name, 'engine', engine.name)}
            >
              <State is={engine.health} />
              <span class="name"><Line text={engine.name} most={40} /></span>
              <span class="model dim"><Line text={engine.model} most={30} />{engine.weight_version && ` @ ${oneLine(engine.weight_version, 16)}`}</span>
              <Tier name={engine.tier} />
              <span class="load">
                <Bar value={engine.in_flight} most={engine.limit ?? engine.concurrency} label={`${engine.in_flight} of ${engine.limit ?? engine.concurrency} at work`} />
                <small>{engine.in_flight}/{engine.limit ?? engine.concurrency}{engine.queued > 0 && ` +${engine.queued}`}</small>
              </span>
            </button>
          ))}
          {node.engines.length === 0 && <p class="dim pad">No engines</p>}
        </Card>
      ))}
    </div>
  );
}
