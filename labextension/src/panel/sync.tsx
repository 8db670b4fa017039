/** How it stands with the API that artifacts are sent to: a quiet line while all is well, what is not sent, and why. */
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { Sync } from '../client';
import { count, exactly, line, plural, span } from '../format';
import type { ArtifactsModel } from '../model';

/** A word or two for what is going on, by which the mark is coloured too. */
export function syncState(sync: Sync): 'sent' | 'sending' | 'away' | 'denied' | 'refused' {
  if (sync.problem === 'denied') {
    return 'denied';
  }
  if (sync.problem === 'unreachable') {
    return 'away';
  }
  return sync.pending > 0 ? 'sending' : sync.parked.length > 0 ? 'refused' : 'sent';
}

/** "3 not sent · artifacts.example.org unreachable for 2 min". */
export function syncWords(sync: Sync, now = new Date()): string {
  const passed = (time: string | null) =>
    time === null ? '' : ` for ${span(Math.max(1, (+now - +new Date(time)) / 1000))}`;
  const state = syncState(sync);
  const parts: string[] = [];
  if (sync.pending > 0) {
    parts.push(
      state === 'sending'
        ? `${count(sync.pending)} on their way`
        : `${count(sync.pending)} not sent`
    );
  }
  if (state === 'denied') {
    parts.push(`${sync.host} wants another key`);
  } else if (state === 'away') {
    parts.push(`${sync.host} unreachable${passed(sync.since)}`);
  }
  if (sync.parked.length > 0) {
    parts.push(`${count(sync.parked.length)} refused`);
  }
  if (parts.length === 0) {
    parts.push(`Also at ${sync.host}`);
  }
  return parts.join(' · ');
}

/** "flights-by-carrier: too large": which one, and why. */
function refusal({ key, id, error }: Sync['parked'][number]): string {
  return line(`${key ?? id}: ${error}`, 160);
}

/** Everything about it, for whoever lingers. */
function details(sync: Sync): string {
  const lines = [sync.address];
  if (sync.last_error) {
    lines.push(sync.last_error);
  }
  for (const one of sync.parked.slice(0, 10)) {
    lines.push(`Refused: ${refusal(one)}`);
  }
  if (sync.kept_here > 0) {
    const older = plural(sync.kept_here, 'older artifact');
    lines.push(`${older} kept here: nba.sync(all=True) sends them too.`);
  }
  if (sync.last_ok) {
    lines.push(`Last sent ${exactly(sync.last_ok)}`);
  }
  return lines.join('\n');
}

/** The line above the foot of the sidebar. */
export function SyncMark({ model, sync }: { model: ArtifactsModel; sync: Sync }): ReactElement {
  const state = syncState(sync);
  const [first] = sync.parked;
  const troubled = state !== 'sent' && state !== 'sending';
  return (
    <div className="jp-nba-sync" data-state={state} role="status" title={details(sync)}>
      <span className="jp-nba-dot" data-state={state} aria-hidden="true" />
      <span>{syncWords(sync)}</span>
      {troubled && <Retry model={model} />}
      {first && <span className="jp-nba-sync-why">{refusal(first)}</span>}
    </div>
  );
}

/** Above the list where nothing is sent until somebody does something. */
export function SyncBanner({ model, sync }: { model: ArtifactsModel; sync: Sync }): ReactElement {
  return (
    <div className="jp-nba-stale jp-mod-denied" role="alert">
      <span>
        {sync.host} does not take the key, so nothing is sent; what is made stays here meanwhile.
        Set the right key in <code>NB_ARTIFACTS_API_KEY</code> (or{' '}
        <code>c.NbArtifacts.api_key</code>) and start Jupyter again.
      </span>
      <Retry model={model} />
    </div>
  );
}

function Retry({ model }: { model: ArtifactsModel }): ReactElement {
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    await model.retrySync();
    setBusy(false);
  };
  return (
    <button type="button" className="jp-nba-button" disabled={busy} onClick={() => void retry()}>
      {busy ? 'Trying…' : 'Retry'}
    </button>
  );
}
