/** One artifact in a list: icon, name, what it is in a line, when; a bar where something runs. */
import { memo } from 'react';
import type { ReactElement } from 'react';
import { ago, exactly, isolated, plain, summary, typeWord } from '../format';
import { percentage, progressOf } from '../progress';
import type { WireRecord } from '../wire';
import { TypeIcon, versionWord } from './words';

/** What a list gives each of its rows. */
export interface RowProps {
  record: WireRecord;
  id: string;
  index: number;
  count: number;
  top: number;
  active: boolean;
  open: (record: WireRecord) => void;
  /** Changes when relative times must be written anew. */
  minute: number;
}

/** An option of the sidebar's list box. */
export const Row = memo(function Row(props: RowProps): ReactElement {
  const { record } = props;
  const line = summary(record);
  const about = record.description ? isolated(plain(record.description)) : '';
  const name = record.key ?? '';
  const version = versionWord(record);
  return (
    <div
      className="jp-nba-row"
      role="option"
      id={props.id}
      aria-selected={props.active}
      aria-posinset={props.index + 1}
      aria-setsize={props.count}
      aria-label={[name, typeWord(record.type), line, version, about].filter(Boolean).join(', ')}
      data-nba-id={record.id}
      data-nba-key={name}
      data-nba-type={record.type ?? ''}
      style={{ transform: `translateY(${props.top}px)` }}
      onClick={() => props.open(record)}
    >
      <TypeIcon type={record.type} />
      <div className="jp-nba-row-main">
        <div className="jp-nba-row-head">
          <bdi className="jp-nba-row-key" title={name}>
            {name}
          </bdi>
          <time
            className="jp-nba-row-time"
            dateTime={record.created}
            title={exactly(record.created)}
          >
            {ago(record.created)}
          </time>
        </div>
        <div className="jp-nba-row-line" title={[line, about].filter(Boolean).join('\n')}>
          {[line, version, about].filter(Boolean).join(' · ')}
        </div>
        {record.type === 'progress' && <RowBar record={record} />}
      </div>
    </div>
  );
});

/** The thin bar under a progress artifact's line; its words stand in the line. */
function RowBar({ record }: { record: WireRecord }): ReactElement {
  const { share, state } = progressOf(record);
  return (
    <div
      className="jp-nba-row-bar"
      role="progressbar"
      aria-label={record.key ?? undefined}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : percentage(share)}
      aria-valuetext={summary(record)}
      data-state={state}
      data-unknown={share === null && state === 'running' ? '' : undefined}
    >
      <div style={share === null ? undefined : { width: `${share * 100}%` }} />
    </div>
  );
}
