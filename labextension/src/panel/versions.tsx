/** The versions of a key through time, oldest left, as buttons on a line. */
import { useEffect, useRef } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';
import { ago, exactly, summary } from '../format';
import type { WireRecord } from '../wire';
import { versionWord } from './words';

/** The versions, which one is shown, and whom a choice is told. */
export interface VersionsProps {
  /** Newest first. */
  versions: WireRecord[];
  shown: string | null;
  /** Whether there are older ones than these. */
  older: boolean;
  show: (id: string) => void;
  loadOlder: () => void;
  /** Show what changed from another version to this one. */
  compare: () => void;
  minute: number;
}

/** A click or the arrow keys choose a version. */
export function Versions(props: VersionsProps): ReactElement {
  const line = useRef<HTMLOListElement>(null);
  const oldestFirst = [...props.versions].reverse();
  useEffect(() => {
    const now = line.current?.querySelector('[aria-current]');
    now?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' });
  }, [props.shown, props.versions.length]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const to = oldestFirst[oldestFirst.findIndex(version => version.id === props.shown) + step];
    if (step !== 0 && to) {
      event.preventDefault();
      props.show(to.id);
      line.current?.querySelector<HTMLElement>(`[data-id="${to.id}"]`)?.focus();
    }
  };
  return (
    <nav className="jp-nba-versions" aria-label="Versions" onKeyDown={onKeyDown}>
      {props.older && (
        <button type="button" className="jp-nba-button" onClick={props.loadOlder}>
          ← older
        </button>
      )}
      <ol ref={line}>
        {oldestFirst.map(version => (
          <li key={version.id}>
            <button
              type="button"
              data-id={version.id}
              aria-current={version.id === props.shown ? 'true' : undefined}
              title={`${summary(version)}\n${exactly(version.created)}`}
              onClick={() => props.show(version.id)}
            >
              <i aria-hidden="true" />
              <span>
                <b>{versionWord(version)}</b>{' '}
                <time dateTime={version.created}>{ago(version.created)}</time>
              </span>
            </button>
          </li>
        ))}
      </ol>
      {props.versions.length > 1 && (
        <button type="button" className="jp-nba-button" onClick={props.compare}>
          Compare with …
        </button>
      )}
    </nav>
  );
}
