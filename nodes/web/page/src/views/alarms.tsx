// What is wrong now, and what to do about it.

import { clock, duration, oneLine } from '../format';
import { link } from '../router';
import { alarms, now } from '../store';
import type { Alarm } from '../types';
import { Card, Command, Empty, Line, Loaded, State } from '../ui/parts';

interface Advice {
  when: RegExp;
  what: string;
  command: string;
  view: string;
}

const advice: Advice[] = [
  { when: /cert/i, what: 'Renew the certificate: a running node takes a new file up by itself.', command: 'tandem certs issue', view: 'topology' },
  { when: /node|member/i, what: 'See whether its process runs and its machine can be reached. Its jobs wait for its journal: start it again with the same data folder.', command: 'tandem topology', view: 'topology' },
  { when: /flap|engine|breaker/i, what: 'Look why it fails; other engines of its model take its work meanwhile.', command: 'tandem engine explain NAME', view: 'topology' },
  { when: /mixed|weight|roll/i, what: 'An update is not through. See which engines are behind, and roll again or back.', command: 'tandem weights status', view: 'weights' },
  { when: /cost|budget_over|over_budget/i, what: 'See which tenant spends it; a lower target makes the router pay less.', command: 'tandem route status', view: 'routing' },
  { when: /cache|harm/i, what: 'Near plans did harm where they were served; purge them, or lower cache.max_error.', command: 'tandem cache stats', view: 'caches' },
  { when: /error|fail|burn/i, what: 'Look at what fails first: the newest failed jobs say why.', command: 'tandem jobs --state failed', view: 'jobs' },
  { when: /journal|disk|space/i, what: 'The journal cannot write as it should: see the disk of the data folder.', command: 'df -h', view: 'topology' },
];

export function Alarms() {
  return <Loaded of={alarms}>{(data) => <List all={data.alarms} />}</Loaded>;
}

function List({ all }: { all: Alarm[] }) {
  if (all.length === 0) return <Empty title="No alarm is active">Nodes raise alarms themselves: a node gone, an engine that flaps, mixed weights, a cost over its budget, a certificate that ends. They are sent to <code>[alarms] webhook</code> too.</Empty>;
  const rank = (each: Alarm) => (each.severity === 'critical' ? 0 : 1);
  return (
    <div class="stack">
      {[...all].sort((a, b) => rank(a) - rank(b) || a.since_ms - b.since_ms).map((each) => <One key={`${each.name} ${each.subject} ${each.node}`} alarm={each} />)}
    </div>
  );
}

function One({ alarm }: { alarm: Alarm }) {
  const known = advice.find((each) => each.when.test(alarm.name));
  return (
    <Card class={`alarm ${alarm.severity === 'critical' ? 'critical' : 'warning'}`}>
      <div class="line">
        <State is={alarm.severity} />
        <h2><Line text={alarm.name.replace(/_/g, ' ')} most={60} />{alarm.subject && <span class="dim"> · <Line text={alarm.subject} most={60} /></span>}</h2>
        <span class="end dim" title={clock(alarm.since_ms)}>for {duration(Math.max(0, now.value - alarm.since_ms))}{alarm.node && `, seen by ${oneLine(alarm.node, 30)}`}</span>
      </div>
      <p><Line text={alarm.text} most={600} /></p>
      {known && (
        <div class="advice">
          <p>{known.what} <a href={link(known.view, '', known.view === 'jobs' ? { state: 'failed' } : {})}>Show</a></p>
          <Command text={known.command.replace('NAME', oneLine(alarm.subject, 40) || 'NAME')} />
        </div>
      )}
    </Card>
  );
}
