// What can be done to a job now.

import { useState } from 'preact/hooks';
import { messageFor } from '../api';
import type { JobModel } from '../job_model';
import type { JobSummary } from '../types';
import { Icon } from '../ui/icons';
import { Problem } from '../ui/parts';
import { Dialog } from '../ui/shell';
import { isGoing } from './job_row';

export function Actions({ job, model }: { job: JobSummary; model: JobModel }) {
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const act = async (what: string, body?: unknown) => {
    setBusy(true);
    setError('');
    try {
      await model.act(what, body);
      setAsking(false);
    } catch (problem) {
      setError(messageFor(problem));
    }
    setBusy(false);
  };
  const button = (what: string, icon: string, label: string) => (
    <button disabled={isBusy} onClick={() => act(what)}><Icon name={icon} size={16} />{label}</button>
  );
  return (
    <div class="actions">
      {(job.state === 'running' || job.state === 'queued') && button('pause', 'pause', 'Pause')}
      {job.state === 'paused' && button('resume', 'play', 'Resume')}
      {(job.state === 'failed' || job.state === 'cancelled') && button('retry', 'retry', 'Retry')}
      {isGoing(job) && <button class="danger" id="cancel" disabled={isBusy} onClick={() => setAsking(true)}><Icon name="stop" size={14} />Cancel</button>}
      {error && !isAsking && <Problem text={error} />}
      <Dialog isOpen={isAsking} onClose={() => setAsking(false)} label="Cancel this job?">
        <form
          class="ask"
          onSubmit={(event) => {
            event.preventDefault();
            act('cancel', { reason });
          }}
        >
          <p>Steps that are at work are stopped; what it has cost stays. It can be retried later.</p>
          <label>Reason, for those who look later<input value={reason} autofocus onInput={(event) => setReason((event.target as HTMLInputElement).value)} /></label>
          {error && <Problem text={error} />}
          <footer>
            <button type="button" onClick={() => setAsking(false)}>Keep it</button>
            <button class="danger solid" disabled={isBusy}>Cancel the job</button>
          </footer>
        </form>
      </Dialog>
    </div>
  );
}
