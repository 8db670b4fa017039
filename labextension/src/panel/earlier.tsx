/** The earlier runs of a progress, on its page. */
import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';
import { drawRuns } from '../views/runs';
import type { WireRecord } from '../wire';
import { useClock } from './hooks';

/** The run that is shown and the versions of its key. */
export interface EarlierProps {
  record: WireRecord;
  versions: WireRecord[];
}

/** Drawn anew with each change of the artifact, and every few seconds while it runs. */
export function Earlier({ record, versions }: EarlierProps): ReactElement {
  const host = useRef<HTMLElement>(null);
  const clock = useClock(5);
  useEffect(() => {
    if (host.current) {
      drawRuns(host.current, versions, record);
    }
  }, [record, versions, clock]);
  return <section className="jp-nba-runs" aria-label="Runs" ref={host} hidden />;
}
