/** The page of an artifact: what it is, its versions, and tabs for the thing itself, its text, code and run. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';
import type { Client } from '../client';
import { exactly, failure, standing, title, typeWord } from '../format';
import type { Source, Tools } from '../source';
import { viewOf } from '../views';
import { codeOf, origin } from '../views/card';
import type { WireRecord } from '../wire';
import { Earlier } from './earlier';
import { Compare } from './compare';
import { useClock, useSignal } from './hooks';
import { useSource } from './sourced';
import type { Sourced } from './sourced';
import type { PageModel } from './pagemodel';
import { RunView } from './run';
import { RunModel } from './runmodel';
import { Boundary, Failure, Message, Skeleton, Stale } from './states';
import { Code, Fragment, Raw } from './texts';
import { Versions } from './versions';
import { Copy, TypeIcon, clockTime, versionWord, when } from './words';

/** What a page shows and whom it tells. */
export interface PageProps {
  model: PageModel;
  client: Client;
  tools: Tools;
  open: (record: WireRecord) => void;
  /** Asks the person, then deletes. */
  remove: (record: WireRecord) => void;
}

const TABS = ['Rendered', 'Changes', 'Raw', 'Source', 'Run'] as const;

type Tab = (typeof TABS)[number];

/** Everything inside a page's widget. */
export function Page(props: PageProps): ReactElement {
  const { model } = props;
  useSignal(model.changed);
  const minute = useClock(30);
  const retry = () => void model.load();
  const [tab, setTab] = useState<Tab>('Rendered');
  const { record } = model;
  return (
    <div className="jp-nba-page-content">
      {model.offline && (
        <Stale
          text={`${props.client.awayWords} You see what was kept until ${clockTime(model.offline)}.`}
          exact={exactly(model.offline)}
          retry={retry}
        />
      )}
      {record ? (
        <Shown
          key={record.id}
          {...props}
          record={record}
          minute={minute}
          tab={tab}
          choose={setTab}
        />
      ) : (
        <Absent model={model} retry={retry} />
      )}
    </div>
  );
}

function Absent({ model, retry }: { model: PageModel; retry: () => void }): ReactElement {
  if (model.state === 'loading') {
    return <Skeleton rows={4} />;
  }
  if (model.state === 'error') {
    return <Failure why={model.error} retry={retry} />;
  }
  const left = model.versions.length > 0;
  return (
    <Message title={left ? 'This version is no longer here' : 'This artifact is no longer here'}>
      <p>It was deleted, or it belongs to another store.</p>
      {left && (
        <button type="button" className="jp-nba-button" onClick={() => model.follow()}>
          Show the latest version
        </button>
      )}
    </Message>
  );
}

interface ShownProps extends PageProps {
  record: WireRecord;
  minute: number;
  tab: Tab;
  choose: (tab: Tab) => void;
}

function Shown(props: ShownProps): ReactElement {
  const { model, record } = props;
  const [source, again] = useSource(props.client, record.id, props.tools);
  const retry = () => {
    again();
    void model.load();
  };
  return (
    <article
      data-nba-id={record.id}
      data-nba-key={record.key ?? ''}
      data-nba-type={record.type ?? ''}
      aria-label={`${typeWord(record.type)} ${record.key ?? ''}`.trim()}
    >
      <Head {...props} source={source} />
      {record.key !== null && (
        <Versions
          versions={model.versions}
          shown={record.id}
          older={model.older}
          show={id => model.show(id)}
          loadOlder={() => void model.loadOlder()}
          compare={() => props.choose('Changes')}
          minute={props.minute}
        />
      )}
      <Tabs {...props} source={source} retry={retry} />
    </article>
  );
}

function Head(props: ShownProps & { source: Sourced }): ReactElement {
  const { model, record } = props;
  const source = typeof props.source === 'object' ? props.source : null;
  const from = source ? origin(source.runs) : '';
  const user = source?.runs.map(run => run.provenance.user).find(Boolean);
  const live = standing(record);
  const code = model.follows || record.key === null ? codeOf(record) : pinned(record);
  return (
    <header className="jp-nba-page-head">
      <div className="jp-nba-page-title">
        <span className="jp-nba-page-name">
          <TypeIcon type={record.type} />
          <h2 title={title(record)}>
            <bdi>{title(record)}</bdi>
          </h2>
        </span>
        <span className="jp-nba-version">{versionWord(record)}</span>
        {record.key !== null && <Follow model={model} />}
        <span className="jp-nba-page-actions">
          <Copy text={code} label="Copy code" />
          <button type="button" className="jp-nba-button" onClick={() => props.remove(record)}>
            Delete…
          </button>
        </span>
      </div>
      {record.description && source && (
        <Fragment
          source={source}
          text={record.description}
          className="jp-nba-page-description jp-RenderedHTMLCommon"
        />
      )}
      <p className="jp-nba-page-from">
        {live && (
          <>
            <bdi className={live.broken ? 'jp-nba-broken' : undefined}>{live.words}</bdi>
            {' · '}
          </>
        )}
        <time dateTime={record.created} title={exactly(record.created)}>
          {when(record.created)}
        </time>
        {from && <bdi> · {from}</bdi>}
        {user && ` · ${user}`}
        {record.tags.map(tag => (
          <span key={tag} className="jp-nba-tag">
            {tag}
          </span>
        ))}
      </p>
    </header>
  );
}

function Follow({ model }: { model: PageModel }): ReactElement {
  const newest = model.versions[0];
  if (model.follows) {
    return (
      <span className="jp-nba-follow" title="A new version is shown here as soon as it is kept">
        <span
          className="jp-nba-dot"
          data-state={model.offline ? 'away' : 'live'}
          aria-hidden="true"
        />
        latest, follows live
      </span>
    );
  }
  return (
    <button type="button" className="jp-nba-button jp-nba-follow" onClick={() => model.follow()}>
      {newest && newest.id !== model.record?.id
        ? `Go to latest, ${versionWord(newest)}`
        : 'Follow live'}
    </button>
  );
}

function pinned(record: WireRecord): string {
  return record.version === null
    ? `nba.Artifact.get(id="${record.id}")`
    : `nba.Artifact.get("${record.key}", version=${record.version})`;
}

type TabsProps = ShownProps & { source: Sourced; retry: () => void };

function Tabs(props: TabsProps): ReactElement {
  const { tab, choose } = props;
  const bar = useRef<HTMLDivElement>(null);
  const id = `jp-nba-${props.record.id}`;
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? TABS.length - 1 : 0;
    const next = TABS[(TABS.indexOf(tab) + step) % TABS.length];
    if (step !== 0 && next) {
      event.preventDefault();
      choose(next);
      bar.current?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
    }
  };
  return (
    <>
      <div
        className="jp-nba-tabs"
        role="tablist"
        aria-label="Ways to look at it"
        ref={bar}
        onKeyDown={onKeyDown}
      >
        {TABS.map(name => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            data-tab={name}
            aria-selected={name === tab}
            aria-controls={`${id}-panel`}
            tabIndex={name === tab ? 0 : -1}
            onClick={() => choose(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div
        className="jp-nba-tab-panel"
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${tab}`}
      >
        <Boundary key={tab}>
          <TabPanel {...props} />
        </Boundary>
      </div>
    </>
  );
}

function TabPanel(props: TabsProps): ReactElement {
  const { source } = props;
  if (props.tab === 'Run') {
    return <RunTab {...props} />;
  }
  if (props.tab === 'Changes') {
    return <Compare client={props.client} record={props.record} versions={props.model.versions} />;
  }
  if (source === null) {
    return <Skeleton rows={3} />;
  }
  if (typeof source === 'string') {
    return <Failure why={source} retry={props.retry} />;
  }
  switch (props.tab) {
    case 'Raw':
      return <Raw source={source} />;
    case 'Source':
      return <Code source={source} />;
    default:
      return (
        <>
          <Rendered source={source} />
          {props.record.type === 'progress' && (
            <Earlier record={props.record} versions={props.model.versions} />
          )}
        </>
      );
  }
}

function RunTab({ client, record, open }: ShownProps): ReactElement | null {
  const [model, setModel] = useState<RunModel | null>(null);
  useEffect(() => {
    const made = new RunModel(client, record);
    setModel(made);
    return () => made.dispose();
  }, [client, record.id]);
  return model && <RunView model={model} open={open} />;
}

function Rendered({ source }: { source: Source }): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const view = useMemo(() => viewOf(source.record.type), [source]);
  useEffect(() => {
    const node = host.current;
    const ended = new AbortController();
    if (node) {
      Promise.resolve(view(node, source, ended.signal)).catch((error: unknown) => {
        if (!ended.signal.aborted) {
          node.textContent = `This artifact could not be shown. ${failure(error)}`;
        }
      });
    }
    return () => {
      ended.abort();
      node?.replaceChildren();
    };
  }, [source, view]);
  return (
    <div className="jp-nba-card">
      <div ref={host} className="jp-nba-body" />
    </div>
  );
}
