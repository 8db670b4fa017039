/** What changed from another version of the key to the one that is shown. */
import { useEffect, useReducer, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import type { Client } from '../client';
import { GUESS } from '../diff';
import { ago, summary } from '../format';
import { isRunning } from '../running/model';
import { mountDiff } from '../views/diff';
import type { WireRecord } from '../wire';
import { Message } from './states';
import { versionWord } from './words';

/** The version that is shown, and those it can be compared with, newest first. */
export interface CompareProps {
  client: Client;
  record: WireRecord;
  versions: WireRecord[];
}

/** A choice of the other version, at first the one before, and the comparison. */
export function Compare({ client, record, versions }: CompareProps): ReactElement {
  const others = versions.filter(version => version.id !== record.id);
  const before = others.find(version => (version.version ?? 0) < (record.version ?? Infinity));
  const [chosen, choose] = useState<string | null>(null);
  const other = others.find(version => version.id === chosen) ?? before ?? others[0];
  const moving = isRunning(record);
  const [round, again] = useReducer((n: number) => n + 1, 0);
  const host = useRef<HTMLDivElement>(null);
  const ask = useRef(GUESS);
  useEffect(() => {
    const ended = new AbortController();
    if (host.current && other) {
      void mountDiff(
        host.current,
        {
          ask: ask.current,
          load: (how, offset, signal) => client.diff(other.id, record.id, how, offset, signal),
          blob: id => client.blob(id, ended.signal),
          chosen: how => (ask.current = how)
        },
        ended.signal
      );
    }
    return () => ended.abort();
    // what still runs changes many times a second: it is compared anew when asked, and when it has ended
  }, [client, other?.id, record.id, moving ? 'moving' : record.seq, round]);
  if (!other) {
    return (
      <Message title="There is only this version">Changes show once there is another.</Message>
    );
  }
  return (
    <>
      <label className="jp-nba-compare">
        Compare {versionWord(record)} with
        <select value={other.id} onChange={event => choose(event.target.value)}>
          {others.map(version => (
            <option key={version.id} value={version.id}>
              {versionWord(version)} · {ago(version.created)} · {summary(version)}
            </option>
          ))}
        </select>
      </label>
      {moving && (
        <p className="jp-nba-notice">
          It still runs; this is how it stood a moment ago.{' '}
          <button type="button" className="jp-nba-button" onClick={again}>
            Compare again
          </button>
        </p>
      )}
      <div ref={host} />
    </>
  );
}
