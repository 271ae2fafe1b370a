// Why the router chose a model for one call.

import { useEffect, useState } from 'preact/hooks';
import { get, messageFor } from '../api';
import { micros, nanousd, oneLine, percent } from '../format';
import type { Explained } from '../types';
import { Line, Problem, Skeleton } from '../ui/parts';

export function Decision({ id }: { id: string }) {
  const [said, setSaid] = useState<Explained | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    const gone = new AbortController();
    get<Explained>(`admin/routing/decisions/${encodeURIComponent(id)}`, gone.signal).then(setSaid, (problem) => {
      if (!gone.signal.aborted) setError(messageFor(problem));
    });
    return () => gone.abort();
  }, [id]);
  if (error) return <Problem text={error} />;
  if (!said) return <Skeleton />;
  return (
    <div class="decision">
      <p><Line text={said.why} most={400} /></p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Scores of the models">
        <table>
          <thead><tr><th>Model</th><th>Quality</th><th>Cost</th><th>Latency</th><th>Score</th><th>Drawn with</th></tr></thead>
          <tbody>
            {said.decision.arms.map((arm, i) => (
              <tr key={i} class={i === said.decision.chosen ? 'chosen' : ''}>
                <th scope="row">{oneLine(arm.model, 30)}</th>
                {arm.filter ? <td colSpan={5} class="dim">left out: {oneLine(arm.filter, 120)}</td> : (
                  <>
                    <td>{arm.quality.toFixed(2)} ± {arm.deviation.toFixed(2)}</td>
                    <td>{nanousd(arm.cost_nanousd)}</td>
                    <td>{arm.latency_us ? micros(arm.latency_us) : '–'}</td>
                    <td>{arm.score.toFixed(3)}</td>
                    <td>{percent(arm.propensity)}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {said.decision.rewards.length > 0 && (
        <p class="dim">Turned out: {said.decision.rewards.map((each) => `${percent(each.quality)} (${each.source})`).join(', ')}</p>
      )}
    </div>
  );
}
