/** The sidebar: search, types, the newest version of every key, and where it is all kept. */
import { useMemo, useRef } from 'react';
import type { KeyboardEvent, ReactElement, RefObject } from 'react';
import { bytes, count, exactly, line, plural, typeWord } from '../format';
import type { ArtifactsModel } from '../model';
import type { WireRecord } from '../wire';
import { TYPES } from '../wire';
import { useClock, useSignal } from './hooks';
import { List } from './list';
import { Boundary, Empty, Failure, NoMatch, Skeleton, Stale } from './states';
import { SyncBanner, SyncMark } from './sync';
import { clockTime } from './words';

/** What the sidebar shows and whom it tells. */
export interface SidebarProps {
  model: ArtifactsModel;
  open: (record: WireRecord) => void;
}

/** Everything inside the sidebar's widget. */
export function Sidebar({ model, open }: SidebarProps): ReactElement {
  useSignal(model.changed);
  const minute = useClock(20);
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const clear = () => {
    model.text = '';
    model.types = new Set();
    search.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === '/' && event.target !== search.current) {
      event.preventDefault();
      search.current?.focus();
      search.current?.select();
    }
  };
  return (
    <div className="jp-nba-sidebar" onKeyDown={onKeyDown}>
      <header role="group" aria-label="Filter">
        <Search model={model} input={search} list={list} />
        <Types model={model} />
      </header>
      <Boundary>
        <Content model={model} open={open} clear={clear} list={list} minute={minute} />
      </Boundary>
      {model.status?.sync && <SyncMark model={model} sync={model.status.sync} />}
      <Footer model={model} />
    </div>
  );
}

function Search(props: {
  model: ArtifactsModel;
  input: RefObject<HTMLInputElement>;
  list: RefObject<HTMLDivElement>;
}): ReactElement {
  const { model } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && model.text) {
      event.stopPropagation();
      model.text = '';
    } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      props.list.current?.focus();
    }
  };
  return (
    <div className="jp-nba-search">
      <input
        ref={props.input}
        type="search"
        placeholder="Key, description, type…"
        aria-label="Filter artifacts by key, description or type"
        aria-keyshortcuts="/"
        title="Filter by key, description or type ( / )"
        spellCheck={false}
        value={model.text}
        onChange={event => (model.text = event.target.value)}
        onKeyDown={onKeyDown}
      />
      {!model.text && (
        <kbd aria-hidden="true" title="Press / in this panel to search">
          /
        </kbd>
      )}
    </div>
  );
}

const PLURALS = new Map([
  ['link', 'Links'],
  ['image', 'Images'],
  ['table', 'Tables'],
  ['display', 'Outputs'],
  ['', 'No type']
]);

function Types({ model }: { model: ArtifactsModel }): ReactElement | null {
  const counts = useMemo(() => model.counts(), [model.latest]);
  if (model.latest.length === 0) {
    return null;
  }
  const known = TYPES.filter(type => counts.has(type));
  const others = [...counts.keys()].filter(type => !known.some(one => one === type)).sort();
  const toggle = (type: string) => {
    const types = new Set(model.types);
    if (!types.delete(type)) {
      types.add(type);
    }
    model.types = types;
  };
  return (
    <div className="jp-nba-types" role="group" aria-label="Show only these types">
      <Chip
        on={model.types.size === 0}
        n={model.latest.length}
        click={() => (model.types = new Set())}
      >
        All
      </Chip>
      {[...known, ...others].map(type => (
        <Chip
          key={type}
          on={model.types.has(type)}
          n={counts.get(type) ?? 0}
          click={() => toggle(type)}
        >
          {PLURALS.get(type) ?? line(typeWord(type), 40)}
        </Chip>
      ))}
    </div>
  );
}

function Chip(props: {
  on: boolean;
  n: number;
  click: () => void;
  children: string;
}): ReactElement {
  return (
    <button type="button" className="jp-nba-chip" aria-pressed={props.on} onClick={props.click}>
      {props.children} <span>{count(props.n)}</span>
    </button>
  );
}

function Content(
  props: SidebarProps & { clear: () => void; list: RefObject<HTMLDivElement>; minute: number }
): ReactElement {
  const { model } = props;
  const retry = () => void model.refresh();
  if (model.latest.length === 0) {
    if (model.state === 'loading') {
      return <Skeleton />;
    }
    return model.state === 'ready' ? <Empty /> : <Failure why={model.error ?? ''} retry={retry} />;
  }
  const records = model.visible();
  return (
    <>
      {model.state === 'offline' && <Offline model={model} retry={retry} />}
      {model.status?.sync?.problem === 'denied' && (
        <SyncBanner model={model} sync={model.status.sync} />
      )}
      {records.length === 0 ? (
        <NoMatch clear={props.clear} />
      ) : (
        <List
          records={records}
          open={props.open}
          enter={props.list}
          minute={props.minute}
          question={`${model.text}\n${[...model.types].join()}`}
        />
      )}
    </>
  );
}

function Offline({ model, retry }: { model: ArtifactsModel; retry: () => void }): ReactElement {
  const since = model.offlineSince;
  const text = `${model.error ?? 'No connection.'} You see what was kept${since ? ` until ${clockTime(since)}` : ' before'}.`;
  return <Stale text={text} exact={since ? exactly(since) : undefined} retry={retry} />;
}

function Footer({ model }: { model: ArtifactsModel }): ReactElement | null {
  const { status } = model;
  if (!status) {
    return null;
  }
  const away = model.state === 'offline' || model.state === 'error';
  return (
    <footer
      role="group"
      aria-label="Where it is kept"
      title={`${status.where}\n${plural(status.artifacts, 'version')} in all`}
    >
      <span className="jp-nba-dot" data-state={away ? 'away' : 'live'} aria-hidden="true" />
      <span>
        {away ? 'Not connected' : 'Stored in your folder'} · {plural(status.keys, 'key')}
        {status.blob_bytes > 0 && ` · ${bytes(status.blob_bytes).replace(' ', '\u00a0')}`}
      </span>
    </footer>
  );
}
