// What the router has learned, by which policy it decides, and what tenants may spend.

import type { ComponentChildren } from 'preact';
import { ago, count, nanousd, oneLine, percent } from '../format';
import { now, past, routing, seriesOf } from '../store';
import type { Arm, Routing as RoutingData } from '../types';
import { Chart } from '../ui/charts';
import { Bar, Card, Empty, Figure, Line, Loaded, State } from '../ui/parts';

export function Routing() {
  return <Loaded of={routing}>{(data) => <Report data={data} />}</Loaded>;
}

function Report({ data }: { data: RoutingData }) {
  const purposes = [...new Set(data.arms.map((arm) => arm.purpose))];
  return (
    <div class="stack">
      <Policy data={data} />
      {data.notes.length > 0 && <Card title="Notes"><ul class="plain">{data.notes.map((note) => <li key={note}><Line text={note} most={400} /></li>)}</ul></Card>}
      <div class="columns even">
        {purposes.map((purpose) => <Arms key={purpose} purpose={purpose} arms={data.arms.filter((arm) => arm.purpose === purpose)} />)}
      </div>
      {data.arms.length === 0 && <Empty title="No decision yet" command="scripts/learn.sh">The router learns from verified results. Submit jobs with a check, or run the learning demo:</Empty>}
      <Curves />
      <div class="columns even">
        <Tenants data={data} />
        <Changes data={data} />
      </div>
      {data.set_aside.length > 0 && (
        <Card title="Set aside"><ul class="plain">{data.set_aside.map((text) => <li key={text}><Line text={text} most={300} /></li>)}</ul></Card>
      )}
    </div>
  );
}

function Policy({ data }: { data: RoutingData }) {
  const { setting, trial, rewards } = data;
  const lost = (rewards.missing ?? 0) + (rewards.refused ?? 0) + (rewards.late ?? 0);
  return (
    <section class="card policy">
      <Figure label="Policy" value={oneLine(setting.policy, 30)} note={setting.at_ms ? `set ${ago(setting.at_ms, now.value)}${setting.before ? `, before: ${oneLine(setting.before, 20)}` : ''}` : 'from the config'} />
      <Figure label="Rewards learned" value={count(rewards.learned)} note={`${count(rewards.corrected)} corrected, ${count(lost)} not used`} />
      {trial ? (
        <div class="trial">
          <div class="label">Trial of {oneLine(trial.candidate, 30)}, {percent(trial.share)} of the traffic, {count(trial.decisions)} decisions</div>
          <Interval low={trial.low} middle={trial.difference} high={trial.high} />
        </div>
      ) : (
        <Figure label="Trial" value="none" note={<>Try another on a share: <code>tandem route try</code></>} />
      )}
    </section>
  );
}

/** How much better the candidate is: its bounds and where zero is. */
function Interval({ low, middle, high }: { low: number; middle: number; high: number }) {
  const reach = Math.max(Math.abs(low), Math.abs(high), 0.01) * 1.15;
  const at = (value: number) => `${((value + reach) / (2 * reach)) * 100}%`;
  const verdict = low > 0 ? 'better' : high < 0 ? 'worse' : 'not sure yet';
  const said = `Difference ${middle >= 0 ? '+' : ''}${middle.toFixed(3)}, between ${low.toFixed(3)} and ${high.toFixed(3)}: ${verdict}`;
  return (
    <div class={`interval ${low > 0 ? 'good' : high < 0 ? 'bad' : ''}`}>
      <div class="scale" role="img" aria-label={said}>
        <i class="zero" /><i class="range" style={{ left: at(low), right: `calc(100% - ${at(high)})` }} /><i class="middle" style={{ left: at(middle) }} />
      </div>
      <div class="note">{said}</div>
    </div>
  );
}

function Arms({ purpose, arms }: { purpose: string; arms: Arm[] }) {
  const all = arms.reduce((sum, arm) => sum + arm.decisions, 0);
  return (
    <Card title={purpose === 'way' ? 'Way of a job' : `Model of a ${oneLine(purpose, 20)}`} aside={`${count(all)} decisions`} flush>
      <div class="arms">
        {arms.map((arm) => (
          <div class="arm" key={arm.model + arm.weight_version}>
            <div class="line">
              <b><Line text={arm.model.replace('_', ' ')} most={40} /></b>
              <span class="dim">@ {oneLine(arm.weight_version, 20)}</span>
              {arm.drift && <State is="warning" label="drift" />}
              <span class="end">{all > 0 ? percent(arm.decisions / all) : '–'} <span class="dim">of decisions</span></span>
            </div>
            <Quality arm={arm} />
            <div class="line dim">
              {count(arm.decisions)} decisions · {count(arm.rewards)} rewards · trust {percent(arm.trust)}
              {arm.origins > 1 && ` · from ${arm.origins} nodes`}{arm.drift && <> · <Line text={arm.drift} most={160} /></>}
            </div>
          </div>
        ))}
      </div>
    </Card>
  );
}

function Quality({ arm }: { arm: Arm }) {
  if (arm.quality === null) return <div class="quality none dim">nothing learned yet</div>;
  const deviation = arm.deviation ?? 0;
  const low = Math.max(0, arm.quality - deviation);
  const high = Math.min(1, arm.quality + deviation);
  const said = `quality ${arm.quality.toFixed(3)} ± ${deviation.toFixed(3)}`;
  return (
    <div class="quality">
      <div class="scale" role="img" aria-label={said}>
        <i class="fill" style={{ transform: `scaleX(${arm.quality})` }} />
        <i class="range" style={{ left: `${low * 100}%`, right: `${(1 - high) * 100}%` }} />
      </div>
      <span>{arm.quality.toFixed(3)} <small class="dim">± {deviation.toFixed(3)}</small></span>
    </div>
  );
}

function Curves() {
  past.use();
  const quality = seriesOf(past.data.value, 'quality');
  const decisions = seriesOf(past.data.value, 'decisions');
  const others = past.data.value?.series.filter((each) => /^latency|^attempts$|^engines_busy$/.test(each.name)) ?? [];
  const latency = others.filter((each) => each.name.startsWith('latency'));
  const chart = (title: ComponentChildren, node: ComponentChildren) => <Card title={title}>{node}</Card>;
  return (
    <div class="columns even">
      {chart('Learned quality', quality.length > 0 ? <Chart series={quality} format={(v) => (v ?? 0).toFixed(2)} label="Learned quality by model over the last hour" range={[0, 1.02]} /> : <Empty title="No curve yet">Quality is drawn as soon as rewards are learned.</Empty>)}
      {chart('Decisions', decisions.length > 0 ? <Chart series={decisions} format={count} label="Decisions by model over the last hour" /> : <Empty title="No decision in the last hour" />)}
      {latency.length > 0 && chart('Latency of calls', <Chart series={latency.map((each) => ({ ...each, labels: { q: each.name.replace('latency_ms_', '') } }))} format={(v) => `${count(Math.round(v ?? 0))} ms`} label="Latency of calls over the last hour" />)}
      {others.filter((each) => !each.name.startsWith('latency')).map((each) => chart(each.name.replace('_', ' '), <Chart series={[each]} format={count} label={`${each.name} over the last hour`} />))}
    </div>
  );
}

function Tenants({ data }: { data: RoutingData }) {
  return (
    <Card title="Budgets of tenants">
      {data.tenants.length === 0 ? (
        <Empty title="No tenant has a target">Set one with <code>[routing.tenant]</code>; the router then pays less as the budget is used.</Empty>
      ) : (
        <ul class="plain budgets">
          {data.tenants.map((each) => (
            <li key={each.tenant}>
              <div class="line"><b><Line text={each.tenant || '(none)'} most={40} /></b><span class="end">{nanousd(each.spent_nanousd)} <span class="dim">of {nanousd(each.target_nanousd)} per {each.per}</span></span></div>
              <Bar value={each.spent_nanousd} most={each.target_nanousd} label={`${nanousd(each.spent_nanousd)} of ${nanousd(each.target_nanousd)}`} tone={each.spent_nanousd > each.target_nanousd ? 'bad' : ''} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Changes({ data }: { data: RoutingData }) {
  return (
    <Card title="Changes">
      {data.changes.length === 0 ? <Empty title="The policy is as the config says" /> : (
        <ol class="changes">
          {[...data.changes].reverse().map((each, i) => (
            <li key={i}>
              <State is="ok" label={oneLine(each.action, 20)} /> {oneLine(each.setting.policy, 30)} <time>{ago(each.at_ms, now.value)}</time>{each.by && ` by ${oneLine(each.by, 30)}`}
              {each.why && <p><Line text={each.why} most={300} /></p>}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
