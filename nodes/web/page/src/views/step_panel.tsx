// One step beside its graph: prompt, result, attempts.

import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, oneLine } from '../format';
import type { JobModel } from '../job_model';
import type { Step } from '../types';
import { Icon } from '../ui/icons';
import { Facts, Line, State, Verbatim } from '../ui/parts';
import { AttemptFacts } from './timeline';

/** A panel at the side; Escape closes it and gives the focus back. */
export function useSidePanel(onClose: () => void) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.focus({ preventScroll: true });
    return () => before?.focus?.({ preventScroll: true });
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    onClose();
  };
  return { ref, onKeyDown, tabIndex: -1 };
}

export function StepPanel({ step, model, onClose }: { step: Step; model: JobModel; onClose: () => void }) {
  const panel = useSidePanel(onClose);
  const [whole, setWhole] = useState<Step | null>(null);
  const attempts = model.attempts.value.filter((each) => each.step === step.step).sort((a, b) => a.attempt - b.attempt);
  const shown = whole ?? step;
  return (
    <aside class="panel" aria-label={`Step ${step.step}`} {...panel}>
      <header>
        <h2>Step {step.step}</h2>
        <State is={step.state} label={step.state === 'running' ? 'at work' : undefined} />
        <button class="quiet icon-only" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
      </header>
      <div class="body">
        <h3>Prompt</h3>
        <Verbatim text={shown.prompt} label="Prompt" />
        {shown.result !== null && (
          <>
            <h3>Result</h3>
            <div id="step-result"><Verbatim text={shown.result} label="Result" /></div>
          </>
        )}
        {model.isCut.value && !whole && (
          <button class="quiet" onClick={async () => setWhole((await model.whole()).steps.find((each) => each.step === step.step) ?? null)}>Texts are cut: all of them</button>
        )}
        <Facts
          of={[
            ['Kind', <Line text={step.kind || '–'} />],
            ['Model', <Line text={step.model || '–'} />],
            ['Needs', step.depends_on.length > 0 ? step.depends_on.map((id) => `#${id}`).join(', ') : 'nothing'],
            ['Epoch', step.epoch],
            ['Done', clock(step.done_at_ms)],
          ]}
        />
        <h3>Attempts</h3>
        {attempts.length === 0 ? <p class="dim">{step.state === 'running' ? 'The first is at work.' : `None has ended: ${oneLine(step.state, 20)}.`}</p> : attempts.map((each) => <AttemptFacts key={each.attempt} attempt={each} />)}
      </div>
    </aside>
  );
}
