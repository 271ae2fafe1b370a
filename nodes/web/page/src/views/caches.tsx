// Caches by tier and level, over all nodes and one by one.

import { ago, bytes, count, duration, nanousd, oneLine, percent, plural } from '../format';
import { cache, now, past, seriesOf, sum } from '../store';
import type { Cache, CacheLevel } from '../types';
import { Chart } from '../ui/charts';
import { Bar, Card, Empty, Figure, hitRate, Line, Loaded, Problem } from '../ui/parts';

const where = ['', 'pool memory', 'shard memory', 'disk'];

export function Caches() {
  return <Loaded of={cache}>{(data) => <Report data={data} />}</Loaded>;
}

function Report({ data }: { data: Cache }) {
  past.use();
  if (data.levels.length === 0)
    return <Empty title="Nothing is cached" command={'tandem-node --set cache.large.ttl=4h --set cache.small.ttl=30min'}>Caches are off until the config names a tier: <code>[cache.large]</code>, <code>[cache.small]</code>.</Empty>;
  const tiers = [...new Set(data.levels.map((level) => level.tier))];
  const hits = sum(data.levels.map((level) => level.hits));
  // A call that misses asks every level; the first level's lookups are the calls.
  const asked = sum(data.levels.filter((level) => level.level === 1).map((level) => level.hits + level.misses)) || hits;
  const history = seriesOf(past.data.value, 'cache_hits');
  return (
    <div class="stack">
      {data.missing.length > 0 && <Problem text={`No answer from ${data.missing.join(', ')}.`} />}
      <div class="figures">
        <Figure label="Saved" value={nanousd(sum(data.levels.map((level) => level.saved_nanousd)))} note="since the nodes started" tone="good" />
        <Figure label="Hits" value={count(hits)} note={`${asked > 0 ? percent(hits / asked) : '–'} of ${count(asked)} lookups`} />
        <Figure label="Entries" value={count(sum(data.levels.map((level) => level.entries)))} />
        <Figure label="Held" value={bytes(sum(data.levels.map((level) => level.bytes)))} note={`of ${bytes(sum(data.levels.map((level) => level.bytes_max)))}`} />
      </div>
      <div class="columns even">
        {tiers.map((tier) => <TierCard key={tier} tier={tier} levels={data.levels.filter((level) => level.tier === tier)} />)}
        <NearPlans levels={data.levels} />
        <Warm data={data} />
      </div>
      {history.length > 0 && <Card title="Hits"><Chart series={history} format={count} label="Cache hits over the last hour" height={140} /></Card>}
      <Levels levels={data.levels} />
      {data.purged.length > 0 && (
        <Card title="Purged">
          <ul class="plain">
            {data.purged.map((rule, i) => (
              <li key={i}>{['tier', 'tenant', 'model', 'weight_version'].map((name) => [name, (rule as any)[name]]).filter(([, value]) => value).map(([name, value]) => `${name.replace('_', ' ')} ${oneLine(value, 30)}`).join(', ') || 'everything'} <span class="dim">{ago(rule.at_ms, now.value)}</span></li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  );
}

function TierCard({ tier, levels }: { tier: string; levels: CacheLevel[] }) {
  return (
    <Card title={<>Tier {oneLine(tier, 24)}</>} aside={`kept for ${duration(Math.max(...levels.map((level) => level.ttl_ms)))}`}>
      {[1, 2, 3].map((number) => {
        const same = levels.filter((level) => level.level === number);
        if (same.length === 0) return null;
        const hits = sum(same.map((level) => level.hits));
        const misses = sum(same.map((level) => level.misses));
        const held = sum(same.map((level) => level.bytes));
        const room = sum(same.map((level) => level.bytes_max));
        return (
          <div class="cache-level" key={number}>
            <b>L{number}</b>
            <span class="dim">{where[number]}</span>
            <span class="rate">{hitRate(hits, misses)}<small class="dim"> hit</small></span>
            <Bar value={hits} most={hits + misses} label={`${count(hits)} hits, ${count(misses)} misses`} tone="good" />
            <span class="dim room">{plural(sum(same.map((level) => level.entries)), 'entry', 'entries')}, {bytes(held)} of {bytes(room)}</span>
          </div>
        );
      })}
    </Card>
  );
}

function NearPlans({ levels }: { levels: CacheLevel[] }) {
  const near = levels.flatMap((level) => (level.near ? [level.near] : []));
  if (near.length === 0) return null;
  const of = (name: keyof (typeof near)[0]) => sum(near.map((each) => each[name]));
  const judged = of('served_right') + of('served_wrong');
  return (
    <Card title="Semantic plans" aside={`${count(of('entries'))} known`}>
      <div class="fleet">
        <Figure label="Served" value={count(of('served'))} note={judged > 0 ? `${percent(of('served_right') / judged)} right` : 'none judged'} />
        <Figure label="Compared" value={count(of('explored'))} note="to learn the error" />
        <Figure label="Refused" value={count(of('refused'))} note="by guards" />
      </div>
      <p class="dim">
        A near plan is served only once the chance that it is wrong is known to be small.
        {of('tenants_off') > 0 && ` Off for ${plural(of('tenants_off'), 'tenant')}, where it did harm.`}
      </p>
    </Card>
  );
}

function Warm({ data }: { data: Cache }) {
  const all = data.warm.filter((each) => each.known > 0 || each.replayed > 0);
  if (all.length === 0) return null;
  const of = (name: 'replayed' | 'used' | 'wasted' | 'tokens' | 'known') => sum(all.map((each) => each[name]));
  return (
    <Card title="Warm-up" aside={`${count(of('known'))} blocks remembered`}>
      <div class="fleet">
        <Figure label="Replayed" value={count(of('replayed'))} note={`${count(of('tokens'))} tokens`} />
        <Figure label="Used" value={count(of('used'))} tone="good" />
        <Figure label="Wasted" value={count(of('wasted'))} />
      </div>
    </Card>
  );
}

function Levels({ levels }: { levels: CacheLevel[] }) {
  return (
    <Card title="Every level of every node" flush>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of cache levels">
        <table>
          <thead>
            <tr><th>Node</th><th>Level</th><th>Tier</th><th>Policy</th><th class="n">Entries</th><th class="n">Held</th><th class="n">Of</th><th class="n">Hits</th><th class="n">Misses</th><th class="n">Hit</th><th class="n">Saved</th><th class="n">Evicted</th><th class="n">Expired</th></tr>
          </thead>
          <tbody>
            {levels.map((level) => (
              <tr key={`${level.node} ${level.level} ${level.tier}`}>
                <th scope="row"><Line text={level.node} most={30} /></th><td>L{level.level}</td><td>{oneLine(level.tier, 20)}</td><td class="dim">{oneLine(level.policy, 24).replace('_', ' ')}</td>
                <td class="n">{count(level.entries)}</td><td class="n">{bytes(level.bytes)}</td><td class="n dim">{bytes(level.bytes_max)}</td>
                <td class="n">{count(level.hits)}</td><td class="n">{count(level.misses)}</td><td class="n">{hitRate(level.hits, level.misses)}</td>
                <td class="n">{nanousd(level.saved_nanousd)}</td><td class="n">{count(level.evicted)}</td><td class="n">{count(level.expired)}{level.damaged > 0 && <em class="wrong"> {level.damaged} damaged</em>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
