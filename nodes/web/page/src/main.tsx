import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { needsKey } from './api';
import { subject, view } from './router';
import './styles/base.css';
import './styles/parts.css';
import './styles/views.css';
import './theme';
import { places, Shell } from './ui/shell';
import { SignIn } from './ui/sign_in';
import { Alarms } from './views/alarms';
import { Caches } from './views/caches';
import { Job } from './views/job';
import { Jobs } from './views/jobs';
import { Overview } from './views/overview';
import { Routing } from './views/routing';
import { Topology } from './views/topology';
import { Weights } from './views/weights';

const views: Record<string, () => any> = {
  overview: Overview,
  topology: Topology,
  jobs: Jobs,
  routing: Routing,
  caches: Caches,
  weights: Weights,
  alarms: Alarms,
};

function App() {
  const name = view.value;
  const id = subject.value;
  useEffect(() => {
    const label = places.find(([place]) => place === name)?.[1] ?? (id ? `Job ${id}` : 'Tandem');
    document.title = `${label} · Tandem`;
    window.scrollTo(0, 0);
  }, [name, id]);
  if (needsKey.value) return <SignIn />;
  const View = views[name] ?? Overview;
  return <Shell>{name === 'job' ? <Job key={id} id={id} /> : <View key={name} />}</Shell>;
}

render(<App />, document.getElementById('app')!);
